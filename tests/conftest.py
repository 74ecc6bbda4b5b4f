"""Settings of all tests: two CPU devices, and a count of what is compiled."""

import os
from collections.abc import Callable

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
)
os.environ.setdefault("MPLBACKEND", "Agg")
# A worker per core: BLAS threads of their own wait for each other, spinning, a hundred times as
# long as they compute (a 256 x 256 Cholesky factor: 0.3 ms, or 170 ms).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
import jax.monitoring
import pytest

_COMPILED = {"count": 0}


def _listen(event: str, duration: float, **_: object) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        _COMPILED["count"] += 1


jax.monitoring.register_event_duration_secs_listener(_listen)


@pytest.fixture
def compilations() -> Callable[[], int]:
    """How many programs XLA has compiled so far."""
    return lambda: _COMPILED["count"]


@pytest.fixture
def key() -> jax.Array:
    return jax.random.key(0)
