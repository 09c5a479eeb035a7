"""The look of the page: Material's theme, CSS variables and style sheets, from one set of tokens."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

from bokeh.util.warnings import BokehUserWarning

from explorer.views.palette import Tokens, tokens

ASSETS = Path(__file__).resolve().parent.parent / "assets"
# The theme restyles a table that came after the page and sends its style sheets back: they are known.
warnings.filterwarnings("ignore", "reference already known", BokehUserWarning)

FONT = "'Inter', 'Roboto', 'Helvetica Neue', Arial, sans-serif"


def css_variables(dark: bool) -> dict[str, str]:
    """The tokens as CSS variables, to be set on the page and inherited by all of it."""
    return {f"--{name}": value for name, value in dataclasses.asdict(tokens(dark)).items()}


def stylesheet(name: str) -> str:
    """The text of a style sheet in the assets."""
    return (ASSETS / name).read_text(encoding="utf-8")


def script(*names: str) -> str:
    """The text of scripts in the assets, as one module; all begin with what they share."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in ("dom.js", *names))


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
        },
        "typography": {
            "fontFamily": FONT,
            "fontSize": 13,
            "button": {"textTransform": "none", "fontWeight": 600},
        },
        "shape": {"borderRadius": 7},
        "components": {
            "MuiAppBar": {
                "styleOverrides": {
                    "root": {
                        "backgroundColor": colours.surface,
                        "backgroundImage": "none",
                        "color": colours.text,
                        "boxShadow": "none",
                        "borderBottom": f"1px solid {colours.line}",
                    }
                }
            },
            "MuiToolbar": {
                "styleOverrides": {"root": {"minHeight": "48px !important", "paddingLeft": "16px !important"}}
            },
            "MuiTypography": {
                "styleOverrides": {
                    "h3": {"fontSize": 15, "fontWeight": 700, "color": f"{colours.text} !important"}
                }
            },
            "MuiTab": {
                "styleOverrides": {"root": {"minWidth": 0, "padding": "8px 9px", "textTransform": "none"}}
            },
            "MuiSlider": {
                "styleOverrides": {
                    "root": {"paddingTop": "8px !important", "paddingBottom": "8px !important"}
                }
            },
            "MuiFormControl": {"styleOverrides": {"root": {"fontSize": 13}}},
            "MuiFormLabel": {"styleOverrides": {"root": {"fontSize": 13}}},
            "MuiInputBase": {"styleOverrides": {"root": {"fontSize": 13}}},
            "MuiPaper": {"styleOverrides": {"root": {"backgroundImage": "none"}}},
            "MuiButton": {"defaultProps": {"disableElevation": True}},
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
