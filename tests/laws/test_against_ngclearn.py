"""The spikes of ngc-learn 3.2.1, where it is installed; its numbers are in the docs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, circuits
print(json.dumps(circuits.parity(0)))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ngclearn") is None, reason="ngclearn not installed")
def test_lif_with_trace_stdp_spikes_as_ngclearn_does():
    """In a process of its own: importing ngclearn reads sys.argv."""
    path = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["parity_identical_steps"] == found["parity_steps"] == 200
    assert found["parity_spikes"] == found["parity_spikes_ngclearn"] == 897
