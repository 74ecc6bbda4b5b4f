"""Mistakes people make, and the exact text each one gets."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import ngcmem as nm
from ngcmem import delayed, wire

KEY = jax.random.key(0)


class Mistake(NamedTuple):
    name: str
    make: Callable[[], object]
    error: type[Exception]
    text: str


def cells(**parts: nm.Component) -> dict[str, nm.Component]:
    return dict(source=nm.Poisson(units=3), cell=nm.LIF(units=3), **parts)


def circuit() -> nm.Circuit:
    return nm.connect(cells(), [wire("source.spikes", to="cell.current")])


def state() -> nm.CircuitState:
    return nm.init(circuit(), KEY, batch=2)


def memory() -> nm.Hopfield:
    return nm.Hopfield(slots=4, features=3)


def memory_state() -> nm.HopfieldState:
    return nm.init(memory(), KEY)


class Greedy(nm.Component):
    """Writes a Shared compartment in advance_state."""

    def init(self, key: jax.Array) -> nm.DenseState:
        return nm.Dense(inputs=2, outputs=2).init(key)

    def advance_state(self, state: nm.DenseState, t: jax.Array, dt: jax.Array) -> nm.DenseState:
        return state.replace(weights=state.weights + 1.0)


class Drifting(Greedy):
    """Changes the shape of a compartment."""

    def advance_state(self, state: nm.DenseState, t: jax.Array, dt: jax.Array) -> nm.DenseState:
        fields = {name: getattr(state, name) for name in state.leaf_names}
        return nm.DenseState(**{**fields, "outputs": jnp.zeros(3)})


class Reader(nm.State):
    weights: nm.Borrowed[jax.Array, "in out"]
    outputs: nm.PerExample[jax.Array, "out"]


class Borrower(nm.Component[Reader]):
    """Reads another component's weights."""

    def init(self, key: jax.Array) -> Reader:
        return Reader(weights=jnp.zeros((3, 3)), outputs=jnp.zeros(3))

    def advance_state(self, state: Reader, t: jax.Array, dt: jax.Array) -> Reader:
        return state.replace(outputs=state.weights.sum(0))


def connect(*wires: object, **parts: nm.Component) -> nm.Circuit:
    return nm.connect(cells(**parts), list(wires))  # type: ignore[arg-type]


def no_role() -> object:
    return type("Bad", (nm.State,), {"__annotations__": {"v": jax.Array}})


MISTAKES = [
    Mistake(
        "unknown component",
        lambda: connect(wire("sorce.spikes", to="cell.current")),
        nm.WiringError,
        "",
    ),
    Mistake(
        "unknown source",
        lambda: connect(wire("source.spike", to="cell.current")),
        nm.WiringError,
        "",
    ),
    Mistake(
        "unknown target",
        lambda: connect(wire("source.spikes", to="cell.curent")),
        nm.WiringError,
        "",
    ),
    Mistake(
        "target is no input",
        lambda: connect(wire("source.spikes", to="cell.v")),
        nm.WiringError,
        "",
    ),
    Mistake(
        "shapes differ",
        lambda: connect(wire("source.spikes", to="far.current"), far=nm.LIF(units=5)),
        nm.WiringError,
        "",
    ),
    Mistake(
        "two writers",
        lambda: connect(
            wire("source.spikes", to="cell.current"), wire("cell.spikes", to="cell.current")
        ),
        nm.WiringError,
        "",
    ),
    Mistake(
        "loop within one step",
        lambda: connect(
            wire("source.spikes", "back.outputs", to="cell.current"),
            wire("cell.spikes", to="back.inputs"),
            back=nm.Dense(inputs=3, outputs=3),
        ),
        nm.WiringError,
        "",
    ),
    Mistake(
        "cell wired to itself",
        lambda: connect(wire("cell.spikes", to="cell.current")),
        nm.WiringError,
        "",
    ),
    Mistake(
        "per-example into borrowed",
        lambda: connect(wire("source.spikes", to="reader.weights"), reader=Borrower()),
        nm.WiringError,
        "",
    ),
    Mistake(
        "borrowed with a delay",
        lambda: connect(
            wire(delayed("syn.weights"), to="reader.weights"),
            reader=Borrower(),
            syn=nm.Dense(inputs=3, outputs=3),
        ),
        nm.WiringError,
        "",
    ),
    Mistake(
        "shared into an input",
        lambda: connect(wire("syn.bias", to="cell.current"), syn=nm.Dense(inputs=3, outputs=3)),
        nm.WiringError,
        "",
    ),
    Mistake(
        "wires as tuples", lambda: connect(("source.spikes", "cell.current")), nm.WiringError, ""
    ),
    Mistake(
        "components as a list",
        lambda: nm.connect([nm.LIF(units=2)], []),  # type: ignore[arg-type]
        nm.WiringError,
        "",
    ),
    Mistake(
        "a class for a component",
        lambda: nm.connect({"cell": nm.LIF}, []),  # type: ignore[dict-item]
        nm.WiringError,
        "",
    ),
    Mistake(
        "a name with a dot", lambda: nm.connect({"a.b": nm.LIF(units=2)}, []), nm.WiringError, ""
    ),
    Mistake(
        "advance_state writes weights",
        lambda: nm.connect({"bad": Greedy()}, []),
        nm.WiringError,
        "",
    ),
    Mistake(
        "advance_state changes a shape",
        lambda: nm.connect({"bad": Drifting()}, []),
        nm.WiringError,
        "",
    ),
    Mistake("wire without a source", lambda: wire(to="cell.current"), TypeError, ""),
    Mistake("delay of no step", lambda: delayed("cell.spikes", steps=0), ValueError, ""),
    Mistake("a compartment without a role", no_role, TypeError, ""),
    Mistake("a size of zero", lambda: nm.LIF(units=0), ValueError, ""),
    Mistake(
        "a word for a number",
        lambda: nm.init(nm.LIF(units=2, tau="20"), KEY),  # type: ignore[arg-type]
        TypeError,
        "",
    ),
    Mistake("a number for a key", lambda: nm.init(nm.LIF(units=2), 0), TypeError, ""),  # type: ignore[arg-type]
    Mistake("a batch of zero", lambda: nm.init(nm.LIF(units=2), KEY, batch=0), ValueError, ""),
    Mistake(
        "state and component exchanged",
        lambda: nm.advance_state(memory_state(), memory()),
        TypeError,
        "",
    ),  # type: ignore[arg-type]
    Mistake(
        "the state of another component",
        lambda: nm.advance_state(nm.LIF(units=2), memory_state()),
        ValueError,
        "",
    ),
    Mistake(
        "the state of another size",
        lambda: nm.advance_state(nm.LIF(units=2), nm.init(nm.LIF(units=3), KEY)),
        ValueError,
        "",
    ),
    Mistake("t for a circuit", lambda: nm.advance_state(circuit(), state(), t=3.0), ValueError, ""),
    Mistake(
        "a batch of another size",
        lambda: memory_state().replace(inputs=jnp.zeros((5, 3))),
        ValueError,
        "",
    ),
    Mistake(
        "one example without its axis",
        lambda: memory_state().replace(inputs=jnp.zeros(3)),
        ValueError,
        "",
    ),
    Mistake("a scalar for an array", lambda: state().set({"cell.current": 1.0}), ValueError, ""),
    Mistake(
        "an unknown compartment",
        lambda: memory_state().replace(input=jnp.zeros((1, 3))),
        ValueError,
        "",
    ),
    Mistake("an unknown path", lambda: state()["cell.voltage"], ValueError, ""),
    Mistake("an unknown path of a circuit", lambda: state().set({"cel.v": 1.0}), ValueError, ""),
    Mistake(
        "floats into a counter",
        lambda: memory_state().replace(count=jnp.float32(2)),
        ValueError,
        "",
    ),
    Mistake(
        "record an unknown name",
        lambda: nm.run(circuit(), state(), steps=2, record="cell.spike"),
        ValueError,
        "",
    ),
    Mistake(
        "record what learns nothing",
        lambda: nm.run(circuit(), state(), steps=2, record="cell.weight_changes"),
        ValueError,
        "",
    ),
    Mistake(
        "clamp what is no input",
        lambda: nm.run(circuit(), state(), steps=2, clamp={"cell.v": jnp.zeros((2, 3))}),
        ValueError,
        "",
    ),
    Mistake(
        "clamp a wired input",
        lambda: nm.run(circuit(), state(), steps=2, clamp={"cell.current": jnp.zeros((2, 3))}),
        ValueError,
        "",
    ),
    Mistake(
        "inputs without time",
        lambda: nm.run(circuit(), state(), steps=4, inputs={"source.inputs": np.zeros((2, 3))}),
        ValueError,
        "",
    ),
    Mistake("steps as a float", lambda: nm.run(circuit(), state(), steps=2.5), ValueError, ""),  # type: ignore[arg-type]
    Mistake(
        "weight changes of a cell",
        lambda: nm.weight_changes(nm.LIF(units=3), nm.init(nm.LIF(units=3), KEY)),
        TypeError,
        "",
    ),
    Mistake("an unknown parameter", lambda: nm.parameters(state(), ["cell.v"]), ValueError, ""),
    Mistake(
        "an unknown hyper-parameter",
        lambda: nm.with_parameters(circuit(), {"cell.taus": 3.0}),
        ValueError,
        "",
    ),
    Mistake(
        "patterns as columns",
        lambda: nm.Hopfield(slots=9, features=3, patterns=jnp.zeros((3, 7))),
        ValueError,
        "",
    ),
    Mistake(
        "too many patterns",
        lambda: nm.Hopfield(slots=4, features=3, patterns=jnp.zeros((7, 3))),
        ValueError,
        "",
    ),
    Mistake(
        "store rows of another width",
        lambda: nm.store(memory(), memory_state(), jnp.zeros((2, 5))),
        ValueError,
        "",
    ),
    Mistake(
        "store one pattern",
        lambda: nm.store(memory(), memory_state(), jnp.zeros(3)),
        ValueError,
        "",
    ),
    Mistake(
        "store NaN",
        lambda: nm.store(memory(), memory_state(), jnp.full((1, 3), jnp.nan)),
        ValueError,
        "",
    ),
    Mistake(
        "store targets in an auto-associative memory",
        lambda: nm.store(memory(), memory_state(), jnp.zeros((1, 3)), jnp.zeros((1, 3))),
        ValueError,
        "",
    ),
    Mistake(
        "store in a circuit", lambda: nm.store(circuit(), state(), jnp.zeros((1, 3))), TypeError, ""
    ),  # type: ignore[arg-type]
    Mistake(
        "steps and tol",
        lambda: nm.recall(memory(), memory_state(), jnp.zeros((1, 3)), steps=2, tol=1e-3),
        ValueError,
        "",
    ),
    Mistake(
        "tol where nothing promises convergence",
        lambda: nm.recall(
            memory().replace(similarity="manhattan"), memory_state(), jnp.zeros((1, 3)), tol=1e-3
        ),
        ValueError,
        "",
    ),
    Mistake(
        "known of another shape",
        lambda: nm.recall(memory(), memory_state(), jnp.zeros((1, 3)), known=jnp.ones((1, 2))),
        ValueError,
        "",
    ),
    Mistake(
        "eta and optimizer",
        lambda: nm.Hopfield(slots=2, features=2, eta=0.1, optimizer=optax.sgd(0.1)),
        ValueError,
        "",
    ),
    Mistake(
        "an unknown similarity",
        lambda: nm.Hopfield(slots=2, features=2, similarity="cosin"),
        ValueError,
        "",
    ),
    Mistake(
        "an unknown policy",
        lambda: nm.Hopfield(slots=2, features=2, when_full="drop"),  # type: ignore[arg-type]
        ValueError,
        "",
    ),
    Mistake(
        "a hyper-parameter that varies over nothing",
        lambda: nm.Population(member=nm.LIF(units=2), count=3, varying=("tau",)),
        ValueError,
        "",
    ),
]
