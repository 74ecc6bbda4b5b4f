"""A user's program that must type-check: pyright reads this file, and pytest runs it.

`assert_type` fails the check when pyright infers anything else, `Any` included. A comment that
ignores an error fails it when there is no such error, so mistakes are known to be caught.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Any, assert_type

import jax
import jax.numpy as jnp
import pytest
from jax import Array

import ngcmem as nm
from ngcmem import Input, PerExample, Shared, Static, delayed, wire
from ngcmem.cells import LIFState
from ngcmem.circuits import CircuitState
from ngcmem.memories import HopfieldState
from ngcmem.retrieval import Softmax

KEY = jax.random.key(0)


def test_compartments_are_arrays() -> None:
    cell = nm.LIF(units=3, tau=20.0)
    state = nm.init(cell, KEY, batch=2)
    assert_type(state, LIFState)
    assert_type(state.v, Array)
    state = state.replace(current=jnp.ones((2, 3)))
    assert_type(state, LIFState)
    assert_type(nm.advance_state(cell, state), LIFState)
    assert_type(nm.evolve(cell, state, dt=0.5), LIFState)
    assert_type(nm.reset(cell, state), LIFState)
    assert_type(cell.replace(tau=30.0), nm.LIF)


def test_run_returns_the_state_and_what_was_recorded() -> None:
    cell = nm.LIF(units=3)
    state, seen = nm.run(cell, nm.init(cell, KEY), steps=3, dt=1.0, record=("v", "spikes"))
    assert_type(state, LIFState)
    assert_type(seen, dict[str, Any])


def test_a_memory_keeps_the_type_of_its_state() -> None:
    memory = nm.Hopfield(slots=4, features=3, separation=Softmax())
    state = nm.store(memory, nm.init(memory, KEY), jnp.eye(3))
    assert_type(state, HopfieldState)
    assert_type(state.weights, Array)
    assert_type(nm.read(memory, state, jnp.eye(3)), HopfieldState)
    assert_type(nm.recall(memory, state, jnp.eye(3)), Any)  # an array, or a dict of fields


def test_a_circuit_is_a_component() -> None:
    circuit = nm.connect(
        dict(
            source=nm.Poisson(units=3), synapse=nm.Dense(inputs=3, outputs=3), cell=nm.LIF(units=3)
        ),
        [
            wire("source.spikes", to="synapse.inputs"),
            wire("synapse.outputs", to="cell.current"),
        ],
    )
    assert_type(circuit, nm.Circuit)
    state = nm.init(circuit, KEY, batch=2)
    assert_type(state, CircuitState)
    assert_type(state.set({"source.inputs": jnp.ones((2, 3))}), CircuitState)
    state, _ = nm.run(circuit, state, steps=2)
    assert_type(state, CircuitState)
    faster = nm.with_parameters(circuit, {"cell.tau": 5.0})
    assert_type(faster, nm.Circuit)
    assert_type(nm.parameters(state), dict[str, Any])


class LeakyState(nm.State):
    inputs: Input[Array, "units"]
    rate: PerExample[Array, "units"]
    weights: Shared[Array, "units"]


class Leaky(nm.Component[LeakyState]):
    """A component of one's own."""

    units: Static[int]
    tau: float | Array = 20.0  # ms

    def init(self, key: Array) -> LeakyState:
        zeros = jnp.zeros(self.units)
        return LeakyState(inputs=zeros, rate=zeros, weights=jnp.ones(self.units))

    def advance_state(self, state: LeakyState, t: Array, dt: Array) -> LeakyState:
        drive = state.weights * state.inputs
        return state.replace(rate=drive + (state.rate - drive) * jnp.exp(-dt / self.tau))


def test_a_component_of_ones_own() -> None:
    leaky = Leaky(units=3, tau=jnp.array(10.0))
    assert_type(leaky.units, int)
    assert_type(leaky.tau, float | Array)
    state = nm.init(leaky, KEY)
    assert_type(state, LeakyState)
    assert_type(state.rate, Array)
    final, _ = nm.run(leaky, state, steps=2)
    assert_type(final.weights, Array)
    loop = nm.connect(dict(leaky=leaky), [wire(delayed("leaky.rate"), to="leaky.inputs")])
    assert_type(loop, nm.Circuit)


def test_mistakes_are_seen_before_they_run() -> None:
    with pytest.raises(TypeError):
        nm.LIF(unit=3)  # pyright: ignore[reportCallIssue]
    with pytest.raises(AttributeError):
        _ = nm.init(nm.LIF(units=3), KEY).w  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError):
        nm.init(KEY, nm.LIF(units=3))  # pyright: ignore[reportArgumentType]
