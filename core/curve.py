"""The curve z(d) = 1 / (1 + a d^2b) that turns a distance on the map into a membership strength."""

from __future__ import annotations

import numpy as np

from core.checks import refuse_out_of_range
from core.errors import InputError


def find_ab(min_dist: float = 0.1, spread: float = 1.0) -> tuple[float, float]:
    """Fit a and b so that the curve is close to 1 up to `min_dist` and then decays with scale `spread`.

    Least squares of ``1 / (1 + a d^2b)`` against the target ``1 if d <= min_dist else
    exp(-(d - min_dist) / spread)`` at 300 distances in [0, 3 spread] (McInnes et al. 2018, section 3.2).

    Parameters
    ----------
    min_dist : float, default 0.1
        Distance on the map below which points count as touching; 0 <= min_dist <= spread.
    spread : float, default 1.0
        Scale of the map; > 0.

    Returns
    -------
    a, b : float

    Raises
    ------
    InputError
        If a parameter is out of its range.

    Examples
    --------
    >>> a, b = find_ab(0.1, 1.0)
    >>> round(a, 2), round(b, 2)
    (1.58, 0.9)
    """
    from scipy.optimize import curve_fit

    refuse_out_of_range({"min_dist": min_dist, "spread": spread})
    if min_dist > spread:
        raise InputError(f"min_dist must be at most spread ({spread:g}), got {min_dist:g}.")
    # In units of spread, so that the fit starts as near whatever the scale.
    distance, touching = np.linspace(0, 3, 300), min_dist / spread
    target = np.where(distance <= touching, 1.0, np.exp(touching - distance))

    def curve(d: np.ndarray, a: float, b: float) -> np.ndarray:
        return np.asarray(1 / (1 + a * d ** (2 * b)))

    (a, b), _ = curve_fit(curve, distance, target)
    return float(a / spread ** (2 * b)), float(b)
