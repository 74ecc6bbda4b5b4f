"""How jax is set up in every process of the tests, and how to start one with more devices.

Conftest calls `prepare(2)` for the tests themselves. What needs more devices (shardings over 8)
runs in a process of its own, since a process chooses their number once:

    def check() -> None:  # at the top level of the test's module; it asserts
        mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
        ...

    def test_sharded() -> None:
        run_with_devices(check)
"""

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "jax"


def prepare(devices: int) -> None:
    """Environment and jax configuration of this process; call it before anything is compiled."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["XLA_FLAGS"] = _flags(devices)
    os.environ.setdefault("MPLBACKEND", "Agg")
    # A worker per core: BLAS threads of their own wait for each other, spinning, a hundred times as
    # long as they compute (a 256 x 256 Cholesky factor: 0.3 ms, or 170 ms).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    import jax

    # Arrays of another rank or dtype meet only where the code says so.
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    # Most of the suite's time is compilation. Every program is kept in the checkout, for the next
    # run and the other workers. A cache that cannot be read or written is only warned of, and
    # pyproject.toml lets that warning pass.
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(CACHE))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def compile_quickly(quickly: bool) -> None:
    """Whether programs are compiled from now on with few optimisations, in half the time."""
    import jax

    jax.config.update("jax_disable_most_optimizations", quickly)


def run_with_devices(function: Callable[[], None], devices: int = 8) -> None:
    """Call a function of a module's top level in a new process with so many CPU devices.

    Raises:
        AssertionError: it raised, or warned; with what it printed.
    """
    place = f"{function.__module__}:{function.__qualname__}"
    command = [sys.executable, "-W", "error", "-m", "tests.settings", place, str(devices)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{place} with {devices} devices:\n{done.stdout}{done.stderr}"


def _flags(devices: int) -> str:
    name = "--xla_force_host_platform_device_count"
    others = re.sub(rf"{name}=\S*", "", os.environ.get("XLA_FLAGS", ""))
    return f"{others} {name}={devices}".strip()


if __name__ == "__main__":
    prepare(int(sys.argv[2]))
    module, name = sys.argv[1].split(":")
    getattr(importlib.import_module(module), name)()
