"""Circuits: wires, lags, fan-in, nesting, borrowed weights, keys by path, display."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire

KEY = jax.random.key(0)


class CounterState(nm.State):
    inputs: nm.Input[jax.Array, ""]
    outputs: nm.PerExample[jax.Array, ""]


class Counter(nm.Component[CounterState]):
    """outputs = inputs + 1: makes every order and every lag visible."""

    def init(self, key: jax.Array) -> CounterState:
        return CounterState(inputs=jnp.zeros(()), outputs=jnp.zeros(()))

    def advance_state(self, state: CounterState, t: jax.Array, dt: jax.Array) -> CounterState:
        return state.replace(outputs=state.inputs + 1.0)


class FieldsState(nm.State):
    inputs: nm.Input[dict[str, jax.Array], ""]
    total: nm.PerExample[jax.Array, ""]
    gate: nm.LearningInput[jax.Array, ""]
    seen: nm.Shared[jax.Array, ""]


class Fields(nm.Component[FieldsState]):
    """Compartments that are pytrees, and a learning input."""

    def init(self, key: jax.Array) -> FieldsState:
        fields = {"a": jnp.zeros(()), "b": jnp.zeros(2)}
        return FieldsState(
            inputs=fields, total=jnp.zeros(()), gate=jnp.ones(()), seen=jnp.zeros(())
        )

    def advance_state(self, state: FieldsState, t: jax.Array, dt: jax.Array) -> FieldsState:
        return state.replace(total=state.inputs["a"] + state.inputs["b"].sum())

    def evolve(self, state: FieldsState, t: jax.Array, dt: jax.Array) -> FieldsState:
        return state.replace(seen=state.seen + (state.gate * state.total).sum())


class TransposedState(nm.State):
    inputs: nm.Input[jax.Array, "out"]
    outputs: nm.PerExample[jax.Array, "in"]
    weights: nm.Borrowed[jax.Array, "in out"]


class Transposed(nm.Component[TransposedState]):
    """A feedback synapse: another synapse's weights, transposed."""

    def init(self, key: jax.Array) -> TransposedState:
        return TransposedState(inputs=jnp.zeros(2), outputs=jnp.zeros(3), weights=jnp.zeros((3, 2)))

    def advance_state(self, state: TransposedState, t: jax.Array, dt: jax.Array) -> TransposedState:
        return state.replace(outputs=state.weights @ state.inputs)


def test_same_step_wires_run_forward_whatever_the_order_given() -> None:
    chain = nm.connect(
        dict(c=Counter(), b=Counter(), a=Counter()),
        [wire("a.outputs", to="b.inputs"), wire("b.outputs", to="c.inputs")],
    )
    state = nm.advance_state(chain, nm.init(chain, KEY))
    assert chain.order == ("a", "b", "c")
    assert [float(state[f"{name}.outputs"][0]) for name in "abc"] == [1.0, 2.0, 3.0]


def test_delays_of_one_and_several_steps() -> None:
    for steps in (1, 2, 3, 7):
        circuit = nm.connect(
            dict(clock=Counter(), late=Counter()),
            [
                wire(delayed("clock.outputs"), to="clock.inputs"),  # counts the steps
                wire(delayed("clock.outputs", steps=steps), to="late.inputs"),
            ],
        )
        _, seen = nm.run(circuit, nm.init(circuit, KEY), steps=12, record="late.inputs")
        expected = np.maximum(np.arange(1, 13) - steps, 0)
        np.testing.assert_array_equal(seen["late.inputs"][:, 0], expected)


def test_fan_in_adds_and_subtracts() -> None:
    circuit = nm.connect(
        dict(a=Counter(), b=Counter(), c=Counter(), sum=Counter()),
        [
            wire("a.outputs", to="b.inputs"),
            wire("b.outputs", to="c.inputs"),
            wire("a.outputs", "-b.outputs", "c.outputs", "-a.inputs", to="sum.inputs"),
        ],
    )
    state = nm.init(circuit, KEY).set({"a.inputs": jnp.array([10.0])})
    state = nm.advance_state(circuit, state)
    assert float(state["sum.inputs"][0]) == 11.0 - 12.0 + 13.0 - 10.0


def test_fields_learning_inputs_and_gates() -> None:
    circuit = nm.connect(
        dict(a=Counter(), memory=Fields()),
        [
            wire("a.outputs", to="memory.inputs.a"),
            wire("memory.total", to="memory.gate"),  # a learning input closes no loop
        ],
    )
    state = nm.init(circuit, KEY, batch=2)
    held = {"a.inputs": jnp.array([1.0, 2.0]), "memory.inputs.b": jnp.ones((2, 2))}
    state, seen = nm.run(circuit, state, steps=3, clamp=held, learn=True, record="memory.inputs")
    totals = np.array([2.0 + 2.0, 3.0 + 2.0])
    np.testing.assert_allclose(state["memory.total"], totals)
    np.testing.assert_allclose(state["memory.seen"], 3 * (totals**2).sum())
    assert seen["memory.inputs"]["b"].shape == (3, 2, 2)


def test_borrowed_weights_follow_their_owner() -> None:
    circuit = nm.connect(
        dict(forward=nm.Dense(inputs=3, outputs=2), back=Transposed()),
        [
            wire("forward.weights", to="back.weights"),
            wire("forward.outputs", to="back.inputs"),
        ],
    )
    state = nm.init(circuit, KEY, batch=4)
    weights = jnp.arange(6.0).reshape(3, 2)
    inputs = jax.random.normal(KEY, (4, 3))
    state = state.set({"forward.weights": weights, "forward.inputs": inputs})
    state = nm.advance_state(circuit, state)
    np.testing.assert_allclose(state["back.outputs"], inputs @ weights @ weights.T, rtol=1e-6)
    assert state["back.weights"].shape == (3, 2)
    assert list(nm.parameters(state)) == ["forward.weights", "forward.bias"]


def test_nested_circuits_are_components() -> None:
    inner = nm.connect(dict(a=Counter(), b=Counter()), [wire("a.outputs", to="b.inputs")])
    outer = nm.connect(
        dict(left=inner, right=inner, total=Counter()),
        [
            wire("left.b.outputs", to="right.a.inputs"),
            wire("right.b.outputs", to="total.inputs"),
        ],
    )
    state, seen = nm.run(outer, nm.init(outer, KEY), steps=2, record="right.b.outputs")
    assert float(state["total.outputs"][0]) == 5.0
    assert seen["right.b.outputs"].shape == (2, 1)
    assert "left.b: Counter" in str(outer)
    assert type(outer["left.a"]) is Counter


def test_adding_a_component_changes_nobody_elses_noise() -> None:
    small = nm.connect(dict(source=nm.Poisson(units=50, rate=300.0)), [])
    large = nm.connect(
        dict(another=nm.Poisson(units=7), source=nm.Poisson(units=50, rate=300.0)), []
    )
    spikes = []
    for circuit in (small, large):
        state = nm.init(circuit, KEY, batch=2).set({"source.inputs": jnp.ones((2, 50))})
        spikes.append(nm.run(circuit, state, steps=5, record="source.spikes")[1]["source.spikes"])
    np.testing.assert_array_equal(*spikes)
    assert spikes[0].sum() > 0


def test_an_examples_noise_does_not_depend_on_its_batch() -> None:
    cell = nm.Poisson(units=50, rate=300.0)
    one, many = (
        nm.run(
            cell,
            nm.init(cell, KEY, batch=batch).replace(inputs=jnp.ones((batch, 50))),
            steps=4,
            record="spikes",
        )[1]["spikes"]
        for batch in (1, 5)
    )
    np.testing.assert_array_equal(one[:, 0], many[:, 0])
    assert (many[:, 0] != many[:, 1]).any()


def test_time_is_counted_not_summed() -> None:
    circuit = nm.connect(dict(a=Counter()), [])
    state, _ = nm.run(circuit, nm.init(circuit, KEY), steps=1000, dt=0.1)
    np.testing.assert_allclose(state.t, 100.0, rtol=1e-6)
    state, _ = nm.run(circuit, state, steps=4, dt=0.25)
    np.testing.assert_allclose(state.t, 101.0, rtol=1e-6)
    assert float(state.set({"t": 7.5}).t) == 7.5
    assert float(nm.reset(circuit, state).t) == 0.0


def test_late_times_and_changes_of_dt_keep_the_clocks_resolution() -> None:
    circuit = nm.connect(dict(a=Counter()), [])
    state, _ = nm.run(circuit, nm.init(circuit, KEY), steps=100_000, dt=0.1)
    again, _ = nm.run(circuit, state.set({"t": 0.0}), steps=3, dt=0.1)
    np.testing.assert_allclose(again.t, 0.3, rtol=1e-6)
    assert int(again.clock.ticks) == 100_003  # ring buffers count steps
    shorter, _ = nm.run(circuit, state.set({"t": 1.0}), steps=10, dt=0.3)
    np.testing.assert_allclose(shorter.t, 4.0, rtol=1e-6)


def test_a_name_that_ends_in_components_is_a_name() -> None:
    circuit = nm.connect(dict(mycomponents=nm.LIF(units=1)), [])
    state = nm.init(circuit, KEY).set({"mycomponents.current": np.ones((1, 1))})
    assert float(state["mycomponents.current"][0, 0]) == 1.0
    with pytest.raises(ValueError, match=r"'mycomponents\.current' has shape"):
        nm.advance_state(nm.connect(dict(mycomponents=nm.LIF(units=2)), []), state)


def test_print_and_jupyter_show_every_compartment() -> None:
    circuit = nm.connect(
        dict(source=nm.Poisson(units=3), cell=nm.LIF(units=3)),
        [wire("source.spikes", to="cell.current")],
    )
    text, page = str(circuit), circuit._repr_html_()
    rows = [line.split()[:5] for line in text.splitlines()]
    assert ["cell:", "LIF", "current", "Input", "units=3"] in rows
    assert text.index("source: Poisson") < text.index("cell: LIF")
    assert "wire('source.spikes', to='cell.current')" in text
    assert page.count("<tr>") == 1 + len(nm.init(circuit, KEY).specs())


def test_a_source_is_by_default_what_a_name_is():
    same = nm.wire(nm.circuits.Source("cell.v"), to="other.inputs")
    assert same == nm.wire("cell.v", to="other.inputs")
    assert nm.wire(nm.circuits.Source("cell.v", scale=-1.0, delay=1), to="other.inputs") == nm.wire(
        nm.delayed("-cell.v"), to="other.inputs"
    )
