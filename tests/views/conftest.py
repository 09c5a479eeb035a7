"""What the tests of several panels ask for; ``bench`` is a session of their own, made once."""

import pytest

from explorer.model.doing import Doing
from explorer.model.session import Session


@pytest.fixture
def session(bench: Session) -> Session:
    """Another look at the data and runs of ``bench``."""
    return Session(bench.workspace, bench.runner, bench.dataset)


@pytest.fixture
def told() -> list[Doing | None]:
    """What a panel said that it is at."""
    return []
