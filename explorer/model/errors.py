"""The few errors a user meets, each a whole sentence: what is wrong, where, and what to do."""

from core.errors import InputError

__all__ = ["InputError", "RunError", "WorkspaceError"]


class WorkspaceError(Exception):
    """The folder of datasets and runs cannot be read or written as asked."""


class RunError(Exception):
    """A run cannot be started, steered or finished."""
