from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import numpy as np
import core.spectral
from core import UMAP, warm_up
from numba.core.registry import CPUDispatcher

def compiled():
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("core.")]
    functions = {f for module in modules for f in vars(module).values() if isinstance(f, CPUDispatcher)}
    return {f"{f.py_func.__name__} {s}" for f in functions for s in f.signatures}

core.spectral.COARSEST = 300  # made coarser twice
warm_up(descent=True)
before = compiled()
rng = np.random.default_rng(0)
latent = rng.normal(size=(6000, 5))
UMAP(n_epochs=2, random_state=0).fit(latent @ rng.normal(size=(5, 220)))
print(*sorted(compiled() - before), sep="\\n")
"""


@pytest.mark.timeout(900)
def test_an_ordinary_fit_compiles_nothing_that_was_not_warmed():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
