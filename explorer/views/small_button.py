"""The small button of the panels."""

from __future__ import annotations

from typing import Any, Literal

import panel_material_ui as pmui


def small_button(
    label: str, description: str, variant: Literal["outlined", "text"] = "outlined", **look: Any
) -> pmui.Button:
    """A button beside others, without a margin unless one is given; the description is its tooltip."""
    return pmui.Button(
        label=label, description=description, variant=variant, size="small", **{"margin": 0} | look
    )
