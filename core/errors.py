"""The one exception of the core for input a caller can correct."""


class InputError(ValueError):
    """Data or a parameter that cannot be used; the message says what is wrong, where, and what to do."""
