"""Who may see a page."""

import pytest

from explorer.app import _is_loopback
from explorer.model.errors import InputError


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.5", False)],
)
def test_only_this_machine_needs_no_token(address: str, loopback: bool) -> None:
    assert _is_loopback(address) is loopback


def test_a_name_is_no_address() -> None:
    with pytest.raises(InputError, match="no address of this machine"):
        _is_loopback("everywhere")
