"""UMAP Explorer: watch a map form, select on it, see what is in it, draw a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.notebook import explore

__all__ = ["explore"]


def __getattr__(name: str) -> Any:
    """Import the app only when it is asked for: the command line and the worker do without."""
    if name == "explore":
        from explorer.notebook import explore

        return explore
    raise AttributeError(f"module 'explorer' has no attribute {name!r}")
