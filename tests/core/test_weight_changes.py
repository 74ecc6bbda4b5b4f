"""`nm.weight_changes`: of a rule before its rate, or the difference that `evolve` makes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

KEY = jax.random.key(0)


class AverageState(nm.State):
    inputs: nm.Input[jax.Array, "units"]
    trace: nm.PerExample[jax.Array, "units"]
    mean: nm.Shared[jax.Array, "units"]
    count: nm.Shared[jax.Array, ""]
    optimizer_state: nm.Shared[jax.Array, ""]


class Average(nm.Component[AverageState]):
    """Moves `mean` a tenth of the way to its inputs; wrote `evolve` and no `weight_changes`."""

    units: nm.Static[int]

    def init(self, key: jax.Array) -> AverageState:
        zeros, none = jnp.zeros(self.units), jnp.zeros((), jnp.int32)
        return AverageState(
            inputs=zeros, trace=zeros, mean=zeros, count=none, optimizer_state=jnp.zeros(())
        )

    def advance_state(self, state: AverageState, t: jax.Array, dt: jax.Array) -> AverageState:
        return state.replace(trace=state.inputs)

    def evolve(self, state: AverageState, t: jax.Array, dt: jax.Array) -> AverageState:
        moved = state.mean + 0.1 * (state.inputs.mean(0) - state.mean)
        return state.replace(mean=moved, count=state.count + 1)


INPUTS = np.array([[1.0, 2.0], [3.0, 6.0]], np.float32)
CHANGE = 0.1 * (np.array([2.0, 4.0]) - 1.0)  # from means of 1


def averaging(component: nm.Component, path: str = "") -> object:
    state = nm.init(component, KEY, batch=2)
    ones = jnp.ones_like(state[f"{path}mean"])
    inputs = np.broadcast_to(INPUTS, state[f"{path}inputs"].shape)
    return state.set({f"{path}inputs": inputs, f"{path}mean": ones})


def test_a_component_that_wrote_evolve_alone_changes_by_what_evolve_does() -> None:
    average = Average(units=2)
    state = averaging(average)
    changes = nm.weight_changes(average, state)
    assert average.learns and list(changes) == ["mean"] == list(nm.parameters(state))
    np.testing.assert_allclose(changes["mean"], CHANGE, rtol=1e-6)
    np.testing.assert_array_equal(state["mean"], np.ones(2))  # not applied


def test_a_circuit_says_whose_changes_they_are() -> None:
    inner = nm.connect(dict(average=Average(units=2), cell=nm.LIF(units=2)))
    circuit = nm.connect(dict(column=inner, synapse=nm.Hebbian(inputs=2, outputs=3)))
    changes = nm.weight_changes(circuit, averaging(circuit, "column.average."))
    assert set(changes) == {"column.average", "synapse"}
    np.testing.assert_allclose(changes["column.average"]["mean"], CHANGE, rtol=1e-6)
    assert changes["synapse"].shape == (2, 3)
    state = nm.init(circuit, KEY, batch=2)
    name = "column.average.weight_changes"
    seen = nm.run(circuit, state, steps=3, record=name)[1][name]
    assert seen["mean"].shape == (3, 2)


def test_members_of_a_population_have_changes_of_their_own() -> None:
    several = nm.Population(member=Average(units=2), count=3)
    state = nm.init(several, KEY, batch=2).set({"mean": jnp.arange(6.0).reshape(3, 2)})
    changes = nm.weight_changes(several, state)
    np.testing.assert_allclose(changes["mean"], -0.1 * np.arange(6.0).reshape(3, 2), rtol=1e-6)


def test_a_circuit_of_cells_learns_nothing() -> None:
    circuit = nm.connect(dict(cell=nm.LIF(units=2)))
    assert not circuit.learns
    assert nm.weight_changes(circuit, nm.init(circuit, KEY)) == {}
    with pytest.raises(ValueError, match="record names 'weight_changes', but Circuit learns noth"):
        nm.run(circuit, nm.init(circuit, KEY), steps=2, record="weight_changes")


@pytest.mark.parametrize(
    "component",
    [nm.Episodic(slots=3, keys=2), nm.AdaptiveLIF(units=2), nm.Willshaw(inputs=2, outputs=2)],
    ids=lambda component: type(component).__name__,
)
def test_the_library_s_own_that_wrote_evolve_alone(component: nm.Component) -> None:
    state = nm.advance_state(component, nm.init(component, KEY, batch=2))
    changes, after = nm.weight_changes(component, state), nm.evolve(component, state)
    assert changes.keys() == nm.parameters(state).keys()
    for name, change in changes.items():
        jax.tree.map(np.testing.assert_array_equal, change, jax.tree.map(
            jnp.subtract, after[name], state[name]
        ))  # fmt: skip
