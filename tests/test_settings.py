"""The settings under which all tests run hold, in this process and in those it starts."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import ngcmem as nm
from tests.settings import run_with_devices


def test_arrays_of_other_ranks_and_dtypes_do_not_meet_silently() -> None:
    with pytest.raises(ValueError, match="jax_numpy_rank_promotion"):
        jnp.ones((2, 3)) + jnp.ones(3)
    with pytest.raises(jax.dtypes.TypePromotionError, match="jax_numpy_dtype_promotion"):
        jnp.ones(3) + jnp.ones(3, jnp.int32)


def test_there_are_two_devices_and_warnings_are_errors() -> None:
    assert jax.device_count() == 2
    with pytest.raises(UserWarning, match="taken seriously"):
        warnings.warn("taken seriously", UserWarning, stacklevel=1)


def split_over_eight_devices() -> None:
    """A memory recalls the same from probes that are split over the devices."""
    mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
    memory = nm.Hopfield(slots=4, features=3, beta=2.0)
    key = jax.random.key(0)
    state = nm.store(memory, nm.init(memory, key), jax.random.normal(key, (4, 3)))
    probes = jax.random.normal(jax.random.key(1), (16, 3))
    whole = nm.recall(memory, state, probes)
    spread = jax.device_put(probes, NamedSharding(mesh, PartitionSpec("batch")))
    assert len(spread.sharding.device_set) == 8
    np.testing.assert_allclose(nm.recall(memory, state, spread), whole, rtol=1e-6)


def fails() -> None:
    raise ValueError("said by the child")


def test_a_process_of_its_own_has_eight_devices_and_its_errors_are_seen() -> None:
    run_with_devices(split_over_eight_devices)
    with pytest.raises(AssertionError, match="said by the child"):
        run_with_devices(fails)


@pytest.fixture
def other_cache() -> Iterator[Callable[[Path], None]]:
    """Lets a test choose where compiled programs are kept, and puts back what was."""
    before = jax.config.jax_compilation_cache_dir

    def choose(folder: Path | str | None) -> None:
        compilation_cache.reset_cache()
        jax.config.update("jax_compilation_cache_dir", folder and str(folder))

    yield choose
    choose(before)


def test_a_spoilt_cache_costs_time_only(
    other_cache: Callable[[Path], None], tmp_path: Path
) -> None:
    def compiled() -> Any:  # a new function, so that jax asks for a program each time
        return jax.jit(lambda x: 3.0 * x + 1.0)(jnp.arange(5.0))

    other_cache(tmp_path)
    wanted = compiled()
    kept = list(tmp_path.iterdir())
    assert kept, "programs are kept"
    for file in kept:
        file.write_bytes(b"rubbish")
    np.testing.assert_array_equal(compiled(), wanted)
    other_cache(kept[0])  # a file where the folder should be
    np.testing.assert_array_equal(compiled(), wanted)
