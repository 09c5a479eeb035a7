"""What each of the estimator's numbers may be, and the sentence for one that is not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from core.errors import InputError


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `open_` leaves `low` itself out."""

    low: float
    high: float = math.inf
    whole: bool = False
    open_: bool = False
    optional: bool = False

    def __contains__(self, value: Any) -> bool:
        if value is None:
            return self.optional
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        above = number > self.low if self.open_ else number >= self.low
        return above and number <= self.high and not math.isinf(number)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"above {self.low:g}" if self.open_ else f"at least {self.low:g}"
        high = "" if math.isinf(self.high) else f" and at most {self.high:g}"
        return f"{kind} {low}{high}{', or None' if self.optional else ''}"


RANGES = {
    "n_neighbors": Range(2, whole=True),
    "n_components": Range(1, whole=True),
    "min_dist": Range(0),
    "spread": Range(0, open_=True),
    "a": Range(0, open_=True, optional=True),
    "b": Range(0, open_=True, optional=True),
    "n_epochs": Range(1, whole=True, optional=True),
    "learning_rate": Range(0, open_=True),
    "negative_sample_rate": Range(0, whole=True),
    "repulsion_strength": Range(0),
    "local_connectivity": Range(0),
    "set_op_mix_ratio": Range(0, 1),
    "disconnection_distance": Range(0, open_=True, optional=True),
    "dens_lambda": Range(0),
    "dens_frac": Range(0, 1),
    "dens_var_shift": Range(0),
    "target_weight": Range(0, 1),
    "transform_seed": Range(0, whole=True),
    "target_n_neighbors": Range(-1, whole=True),
}


def check_parameters(estimator: Any) -> None:
    """Raise an InputError that names the first parameter out of its range, and the range."""
    for name, allowed in RANGES.items():
        value = getattr(estimator, name)
        if value not in allowed:
            raise InputError(f"{name} must be {allowed}, got {value!r}.")
    if estimator.a is None and estimator.min_dist > estimator.spread:
        raise InputError(
            f"min_dist must be at most spread ({estimator.spread:g}), got {estimator.min_dist:g}."
        )
