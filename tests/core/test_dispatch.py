"""Parts, hyper-parameters kept on the device, and states that pass between programs unread."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import ngcmem as nm
from ngcmem import Component, PerExample, Shared, State
from ngcmem.core import part
from ngcmem.drivers import form

KEY = jax.random.key(0)


class TallyState(State):
    seen: PerExample[Array, "2"]
    bright = part("seen", 0)
    any_bright = part("seen", 1, kind=bool)
    tally: Shared[Array, "2 units"]
    total = part("tally", 0, slice(None), axes="units")
    last = part("tally", 1, 0)


class Tally(Component[TallyState]):
    gain: float | Array = 2.0

    def init(self, key: Array) -> TallyState:
        return TallyState(seen=jnp.zeros(2), tally=jnp.zeros((2, 3)))

    def advance_state(self, state: TallyState, t: Array, dt: Array) -> TallyState:
        return state.replace(bright=state.bright + self.gain, any_bright=jnp.array(True))

    def evolve(self, state: TallyState, t: Array, dt: Array) -> TallyState:
        return state.replace(total=state.total + state.bright.sum())


def test_parts_are_compartments_and_their_storage_is_one_array() -> None:
    tally = Tally()
    state = nm.init(tally, KEY, batch=2)
    assert list(state.specs()) == ["bright", "any_bright", "total", "last"]
    assert len(jax.tree.leaves(state)) == 2
    state, seen = nm.run(tally, state, steps=3, record=("bright", "total"), learn=True)
    np.testing.assert_array_equal(seen["bright"], [[2, 2], [4, 4], [6, 6]])
    np.testing.assert_array_equal(seen["total"], [[0] * 3, [4] * 3, [12] * 3])
    np.testing.assert_array_equal(state.any_bright, [True, True])
    state = state.set({"last": 7.0, "bright": np.array([1.0, 2.0])})
    np.testing.assert_array_equal(state["tally"], [[24, 24, 24], [7, 0, 0]])
    np.testing.assert_array_equal(state.seen, [[1, 1], [2, 1]])
    assert nm.parameters(state).keys() == {"total", "last"}
    with pytest.raises(ValueError, match=r"TallyState.total has shape \(3,\), got \(2,\)"):
        state.replace(total=np.zeros(2))
    with pytest.raises(ValueError, match=r"no compartment 'lost'\. Did you mean 'last'"):
        state["lost"]


def test_parts_are_wired_from_and_printed() -> None:
    circuit = nm.connect(
        dict(tally=Tally(), memory=nm.Episodic(slots=4, keys=2)),
        [nm.wire("tally.bright", to="memory.gate")],
    )
    assert "best_similarity" in str(circuit) and "outcome" not in str(circuit)
    with pytest.raises(nm.WiringError, match=r"'memory\.intensity' is PerExample"):
        nm.connect(
            dict(tally=Tally(), memory=nm.Episodic(slots=4, keys=2)),
            [nm.wire("tally.bright", to="memory.intensity")],
        )


def test_hyper_parameters_are_transferred_once_and_never_stale() -> None:
    tally = Tally(gain=3)
    nm.advance_state(tally, nm.init(tally, KEY))
    leaves = form(tally).leaves
    assert isinstance(leaves[0], jax.Array) and form(tally).leaves[0] is leaves[0]
    assert tally.gain == 3 and form(tally.replace(gain=4)).leaves[0] == 4
    with jax.enable_x64(True):
        assert form(tally).leaves[0].dtype == np.float64
    assert form(tally).leaves[0].dtype == np.float32
    changing = np.array([1.0], np.float32)
    varied = Tally(gain=changing)
    changing[:] = 5.0  # the caller's array: what is kept may not be older than it
    assert form(varied).leaves[0][0] == 5
    for twin in (copy.deepcopy(tally), pickle.loads(pickle.dumps(tally))):
        state = nm.advance_state(twin, nm.init(twin, KEY))
        np.testing.assert_array_equal(state.bright, [3])


def test_a_state_nobody_read_is_whole() -> None:
    tally = Tally()
    state = nm.advance_state(tally, nm.init(tally, KEY))
    for twin in (
        copy.copy(state),
        pickle.loads(pickle.dumps(state)),
        jax.tree.map(lambda x: x, state),
    ):
        np.testing.assert_array_equal(twin.seen, [[2, 1]])
        np.testing.assert_array_equal(twin.replace(last=1.0).tally[1], [1, 0, 0])
    with pytest.raises(AttributeError, match="'TallyState' object has no attribute 'gain'"):
        _ = state.gain


@pytest.mark.parametrize(
    "beta", [jnp.asarray(3.0), jnp.asarray(3), jnp.bfloat16(3), np.float64(3), 3]
)
def test_hyper_parameters_first_seen_inside_a_trace_do_not_belong_to_it(beta: object) -> None:
    memory = nm.Hopfield(slots=4, features=3, beta=beta)  # type: ignore[arg-type]
    state = nm.init(nm.Hopfield(slots=4, features=3), KEY)
    inside = jax.jit(lambda s: nm.advance_state(memory, s).outputs)(state)
    np.testing.assert_array_equal(nm.advance_state(memory, state).outputs, inside)


def test_arrays_of_the_caller_stay_the_callers() -> None:
    memory = nm.Hopfield(slots=4, features=3)
    probes = np.ones((2, 3), np.float32)
    read = nm.read(memory, nm.init(memory, KEY), probes)
    put = nm.init(memory, KEY, batch=2).set({"inputs": probes})
    probes[:] = 0
    for state in (read, put):
        np.testing.assert_array_equal(state.inputs, np.ones((2, 3)))


def test_a_part_of_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match=r"part of 'counter', which it does not have.*'counters'"):

        class Misspelt(State):
            counters: Shared[Array, "2"]
            typo = part("counter", 0)

    class Short(State):
        counters: Shared[Array, "2"]
        lost = part("counters", 5)

    state = Short(counters=jnp.zeros(2))
    with pytest.raises(IndexError, match="index 5 of an axis of 2"):
        _ = state.lost


def test_a_property_that_fails_says_why() -> None:
    class Broken(State):
        x: PerExample[Array, ""]

        @property
        def twice(self) -> Array:
            return 2 * self.missing  # type: ignore[attr-defined]

    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = jax.tree.map(lambda x: x, Broken(x=jnp.zeros(()))).twice


def test_a_pickle_holds_compartments_by_name() -> None:
    state = jax.tree.map(lambda x: x, nm.init(nm.Trace(units=2), KEY))
    assert set(state.__getstate__()) == set(state.leaf_names)
