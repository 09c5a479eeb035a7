"""The most memory that this process has held, on Linux; imports nothing of ours, for interpreters of peers.

``ru_maxrss`` does not tell that: a process begins with the peak of the one that started it, which fork hands
down and exec keeps. VmHWM belongs to the memory itself, which is new after exec.
"""

from __future__ import annotations

import re
from pathlib import Path


def peak_mib() -> float:
    """Resident memory of this process at its most, in MiB."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
