"""Names that an analyst gives to things: of one line, not too long, without letters that cannot be seen."""

from __future__ import annotations

import unicodedata

from explorer.model.errors import InputError

LONGEST_NAME = 80


def plain_name(name: str) -> str:
    """Return a name in its plain form: composed letters, single spaces, none around it; it may be empty.

    >>> plain_name("  the   ones ")
    'the ones'

    Raises
    ------
    InputError
        If it has more than 80 characters, or some that cannot be seen.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"The name has {len(name)} characters, more than {LONGEST_NAME}: choose a shorter one."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise InputError("The name has characters that cannot be seen: type it anew.")
    return name
