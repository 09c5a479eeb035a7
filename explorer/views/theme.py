"""The look of the page: Material's theme, CSS variables and style sheets, from one set of tokens."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

from bokeh.util.warnings import BokehUserWarning

from explorer.model.names import LONGEST_NAME
from explorer.views.palette import Tokens, tokens

ASSETS = Path(__file__).resolve().parent.parent / "assets"
# The theme restyles a table that came after the page and sends its style sheets back: they are known.
warnings.filterwarnings("ignore", "reference already known", BokehUserWarning)

FONT = "'Inter', 'Roboto', 'Helvetica Neue', Arial, sans-serif"
BAR = 48
"""The height of the bar, in pixels."""


def css_variables(dark: bool) -> dict[str, str]:
    """The tokens as CSS variables, to be set on the page and inherited by all of it.

    With them goes the scheme by which a browser draws its own parts: scroll bars, players, open lists.
    """
    variables = {f"--{name}": value for name, value in dataclasses.asdict(tokens(dark)).items()}
    return variables | {
        "color-scheme": "dark" if dark else "light",
        "scrollbar-color": "color-mix(in srgb, var(--muted) 55%, transparent) transparent",
    }


def stylesheet(name: str) -> str:
    """The text of a style sheet in the assets."""
    return (ASSETS / name).read_text(encoding="utf-8")


def document_style(dark: bool) -> str:
    """The style of the document around the page, which is all there is until the page is made."""
    colours = tokens(dark)
    return f""":root {{ --page: {colours.page}; --line: {colours.line}; --accent: {colours.accent}; }}
{stylesheet("document.css")}"""


def script(*names: str) -> str:
    """The text of scripts in the assets, as one module; all begin with what they share."""
    shared = f"const LONGEST_NAME = {LONGEST_NAME}"
    return "\n".join([shared, *((ASSETS / name).read_text(encoding="utf-8") for name in ("dom.js", *names))])


def material_theme() -> dict[str, Any]:
    """Material's theme for both modes, so that its widgets wear the page's colours."""
    return {"dark": _mode(tokens(True), "dark"), "light": _mode(tokens(False), "light")}


def _mode(colours: Tokens, mode: str) -> dict[str, Any]:
    return {
        "palette": {
            "mode": mode,
            "primary": {"main": colours.accent, "contrastText": colours.page},
            "error": {"main": colours.bad},
            "warning": {"main": colours.warn},
            "success": {"main": colours.good},
            "background": {"default": colours.page, "paper": colours.surface},
            "text": {"primary": colours.text, "secondary": colours.muted},
            "divider": colours.line,
            # Of the buttons in a number's field.
            "default": {"dark": colours.muted},
        },
        "typography": {
            "fontFamily": FONT,
            "fontSize": 13,
            "button": {"textTransform": "none", "fontWeight": 600},
        },
        "shape": {"borderRadius": 7},
        "components": {
            name: {"styleOverrides": styles}
            for name, styles in (_frame(colours) | _controls(colours)).items()
        }
        | {
            # A tooltip says more of a button than its name, and never takes its place, nor that of the
            # button beside it; it may be wider than the button.
            "MuiTooltip": {
                "defaultProps": {
                    "describeChild": True,
                    "disableInteractive": True,
                    "slotProps": {"popper": {"placement": "top"}},
                },
                "styleOverrides": {
                    "tooltip": {
                        "width": "max-content",
                        "maxWidth": 240,
                        "fontSize": 12,
                        "color": colours.text,
                        "backgroundColor": colours.control,
                        "border": f"1px solid {colours.line}",
                    },
                    "arrow": {"color": colours.control},
                },
            },
        },
    }


def _frame(colours: Tokens) -> dict[str, Any]:
    """The styles of the bar, of its title, and of what lies on the zones."""
    return {
        "MuiAppBar": {
            "root": {
                "backgroundColor": colours.surface,
                "backgroundImage": "none",
                "color": colours.text,
                "boxShadow": "none",
                "borderBottom": f"1px solid {colours.line}",
                "height": BAR,
                # Of what the page is busy with the status line tells.
                "& .MuiLinearProgress-root": {"display": "none"},
            }
        },
        "MuiToolbar": {
            "root": {
                "minHeight": f"{BAR}px !important",
                "margin": "0 !important",
                "paddingLeft": "16px !important",
            }
        },
        "MuiTypography": {"h3": {"fontSize": 15, "fontWeight": 700, "color": f"{colours.text} !important"}},
        "MuiTab": {"root": {"minWidth": 0, "padding": "8px 9px", "textTransform": "none"}},
        "MuiPaper": {"root": {"backgroundImage": "none"}},
    }


def _controls(colours: Tokens) -> dict[str, Any]:
    """The styles of fields and buttons: text of 13 pixels, labels of 11, and small ones of one height."""
    flat, level = {"boxShadow": "none"}, {"& .MuiSvgIcon-root": {"verticalAlign": "-.12em"}}
    return {
        "MuiButtonBase": {
            "root": {"&.Mui-focusVisible": {"outline": f"2px solid {colours.accent}", "outlineOffset": 1}}
        },
        "MuiButton": {
            "sizeSmall": {"fontSize": 12, "lineHeight": 1.4},
            # As high as one with an outline beside it.
            "contained": flat
            | {
                "&:hover, &:active, &.Mui-focusVisible": flat,
                "&.MuiButton-sizeSmall": {"border": "1px solid transparent"},
            },
        },
        "MuiFormControl": {"root": {"fontSize": 13}},
        "MuiFormControlLabel": {"label": {"fontSize": 13} | level},
        "MuiFormLabel": {"root": {"fontSize": 13, "& strong": {"color": colours.text}} | level},
        "MuiFormHelperText": {"root": {"margin": "3px 0 0", "fontSize": 12}},
        "MuiInputLabel": {
            "root": {
                "fontSize": "13px !important",
                "&.MuiInputLabel-shrink": {
                    "maxWidth": "calc(118% - 32px)",
                    "lineHeight": 1.2,
                    "transform": "translate(14px, -8px) scale(.85)",
                },
            },
            "sizeSmall": {"&:not(.MuiInputLabel-shrink)": {"transform": "translate(14px, 6px)"}},
        },
        "MuiInputBase": {
            "root": {"fontSize": 13},
            "input": {"&::placeholder": {"color": colours.muted, "opacity": 1}},
        },
        "MuiOutlinedInput": {
            "root": {
                "&.MuiInputBase-sizeSmall .MuiOutlinedInput-input:not(textarea)": {
                    "paddingTop": 6,
                    "paddingBottom": 6,
                }
            },
            "notchedOutline": {"& legend": {"fontSize": ".85em"}},
        },
        "MuiSlider": {"root": {"paddingTop": "8px !important", "paddingBottom": "8px !important"}},
        "MuiMenu": {"paper": {"border": f"1px solid {colours.line}"}},
        "MuiMenuItem": {
            "root": {
                "minHeight": 0,
                "padding": "3px 0",
                "& .MuiListItemText-root": {"margin": "2px 14px"},
                "& .MuiListItemText-primary": {"fontSize": 13},
            }
        },
        "MuiChip": {
            "root": {"transition": "none"},
            "colorPrimary": {
                "color": colours.text,
                "backgroundColor": colours.control,
                "& .MuiChip-deleteIcon": {"color": colours.muted, "&:hover": {"color": colours.text}},
            },
        },
    }
