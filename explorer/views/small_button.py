"""The buttons of the panels, and their choice of several."""

from __future__ import annotations

from typing import Any, Literal

import panel_material_ui as pmui

SMALL_CHIPS = {
    "& .MuiSelect-select": {"padding": "5px 8px"},
    "& .MuiChip-root": {"height": 22, "fontSize": 12},
    # While none is chosen the label lies in the field, which is lower than the label's own rule has it.
    "label:not(.MuiInputLabel-shrink):has(+ &)": {"transform": "translate(14px, 5px)"},
}


def small_button(
    label: str, description: str, variant: Literal["outlined", "text"] = "outlined", **look: Any
) -> pmui.Button:
    """A button beside others, without a margin unless one is given; the description is its tooltip."""
    return pmui.Button(
        label=label, description=description, variant=variant, size="small", **{"margin": 0} | look
    )


def main_button(label: str, description: str, **look: Any) -> pmui.Button:
    """The button that does what a panel is for, without a margin unless one is given."""
    return pmui.Button(
        label=label, description=description, color="primary", variant="contained", size="small",
        **{"margin": 0} | look,
    )  # fmt: skip


def several(label: str, description: str, **look: Any) -> pmui.MultiChoice:
    """A choice of several, as chips no larger than the text beside them."""
    return pmui.MultiChoice(
        label=label, description=description, sizing_mode="stretch_width", sx=SMALL_CHIPS,
        **{"margin": (4, 0)} | look,
    )  # fmt: skip
