"""Settings of all tests (see `tests/settings.py`), and a count of what is compiled."""

from collections.abc import Callable, Iterator

from tests.settings import compile_quickly, prepare

prepare(devices=2)

import gc
import itertools
from pathlib import Path

import jax
import jax.monitoring
import pytest

_COMPILED = {"count": 0}


def _listen(event: str, duration: float, **_: object) -> None:
    # Programs that come from the persistent cache are counted too.
    if event == "/jax/core/compile/backend_compile_duration":
        _COMPILED["count"] += 1


jax.monitoring.register_event_duration_secs_listener(_listen)


# Written beside the strict settings and not yet gone through for them: as users have jax set up.
AS_USERS_HAVE_IT = (
    "tests.retrieval.test_of_your_own",
    "tests.synapses.",
    "tests.test_awkward_patterns",
    "tests.test_circuits_people_build",
    "tests.test_domains",
    "tests.test_extreme_gradients",
    "tests.test_leaky_quantities",
    "tests.test_readme",
)


@pytest.fixture(autouse=True)
def _ranks_and_dtypes(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.module.__name__.startswith(AS_USERS_HAVE_IT):
        yield
        return
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def pytest_configure(config: pytest.Config) -> None:
    # Nearly all of the fast tests' time is compilation, half of it LLVM's. They compare with
    # tolerances, or ask for the fixture `optimised`. With the slow ones everything is compiled as
    # users compile it.
    compile_quickly(config.getoption("markexpr") == "not slow")


_MAPS = Path("/proc/self/maps")
_tests_done = itertools.count(1)


def pytest_runtest_teardown() -> None:
    """Let compiled programs go before the process runs out of memory maps.

    Every program that XLA compiles for the CPU maps memory of its own, and Linux gives a process
    65,530 maps; the next program is a segmentation fault. The whole suite needs about 100,000.
    """
    if next(_tests_done) % 25 == 0 and _MAPS.exists():
        with _MAPS.open("rb") as maps:
            in_use = sum(1 for _ in maps)
        if in_use > 30_000:
            jax.clear_caches()
            gc.collect()


# Part of the key of every jitted function's own cache, where the optimisations are not: without it
# a program that an earlier test compiled quickly would be taken for the optimised one.
_COMPILED_AS = jax.make_user_context(None)


@pytest.fixture
def optimised() -> Iterator[None]:
    """Programs called in this test are compiled as users compile them."""
    before = jax.config.read("jax_disable_most_optimizations")
    compile_quickly(False)
    with _COMPILED_AS("users do"):
        yield
    compile_quickly(before)


@pytest.fixture
def compilations() -> Callable[[], int]:
    """How many programs XLA was asked for so far."""
    return lambda: _COMPILED["count"]


@pytest.fixture
def key() -> jax.Array:
    return jax.random.key(0)
