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
        "wire('sorce.spikes', to='cell.current'): no component 'sorce'. Did you mean 'source'?",
    ),
    Mistake(
        "unknown source",
        lambda: connect(wire("source.spike", to="cell.current")),
        nm.WiringError,
        "wire('source.spike', to='cell.current'): no compartment 'source.spike'. Did you mean "
        "'source.spikes'?",
    ),
    Mistake(
        "unknown target",
        lambda: connect(wire("source.spikes", to="cell.curent")),
        nm.WiringError,
        "wire('source.spikes', to='cell.curent'): no compartment 'cell.curent'. Did you mean "
        "'cell.current'?",
    ),
    Mistake(
        "target is no input",
        lambda: connect(wire("source.spikes", to="cell.v")),
        nm.WiringError,
        "wire('source.spikes', to='cell.v'): 'cell.v' is PerExample: only 'cell' itself "
        "writes it. Wire to an Input of 'cell' instead.",
    ),
    Mistake(
        "shapes differ",
        lambda: connect(wire("source.spikes", to="far.current"), far=nm.LIF(units=5)),
        nm.WiringError,
        "wire('source.spikes', to='far.current'): 'source.spikes' is (units=3) and "
        "'far.current' is (units=5). A wire never broadcasts: make the sizes equal or put a "
        "component between them, such as nm.Dense(inputs=..., outputs=...).",
    ),
    Mistake(
        "two writers",
        lambda: connect(
            wire("source.spikes", to="cell.current"), wire("cell.spikes", to="cell.current")
        ),
        nm.WiringError,
        "wire('cell.spikes', to='cell.current'): 'cell.current' is already driven by "
        "wire('source.spikes', to='cell.current'). To add several sources write one wire: "
        "wire('a', 'b', to='cell.current').",
    ),
    Mistake(
        "loop within one step",
        lambda: connect(
            wire("source.spikes", "back.outputs", to="cell.current"),
            wire("cell.spikes", to="back.inputs"),
            back=nm.Dense(inputs=3, outputs=3),
        ),
        nm.WiringError,
        "cell -> back -> cell: these wires form a loop within one step. Say which one lags, "
        "for example wire(delayed('cell.spikes'), to='back.inputs').",
    ),
    Mistake(
        "cell wired to itself",
        lambda: connect(wire("cell.spikes", to="cell.current")),
        nm.WiringError,
        "cell -> cell: these wires form a loop within one step. Say which one lags, for "
        "example wire(delayed('cell.spikes'), to='cell.current').",
    ),
    Mistake(
        "per-example into borrowed",
        lambda: connect(wire("source.spikes", to="reader.weights"), reader=Borrower()),
        nm.WiringError,
        "wire('source.spikes', to='reader.weights'): 'source.spikes' is PerExample, one per "
        "example, and 'reader.weights' is Borrowed: it takes another component's Shared "
        "array, such as its weights.",
    ),
    Mistake(
        "borrowed with a delay",
        lambda: connect(
            wire(delayed("syn.weights"), to="reader.weights"),
            reader=Borrower(),
            syn=nm.Dense(inputs=3, outputs=3),
        ),
        nm.WiringError,
        "wire(delayed('syn.weights'), to='reader.weights'): 'reader.weights' is Borrowed: it "
        "takes one Shared array as it is, wire('a.weights', to='reader.weights'), no sum, no "
        "sign, no delay.",
    ),
    Mistake(
        "shared into an input",
        lambda: connect(wire("syn.bias", to="cell.current"), syn=nm.Dense(inputs=3, outputs=3)),
        nm.WiringError,
        "wire('syn.bias', to='cell.current'): 'syn.bias' is Shared, one for the whole batch, "
        "and 'cell.current' is one per example; a wire never broadcasts. Declare the target "
        "Borrowed[...] to read another component's Shared array.",
    ),
    Mistake(
        "wires as tuples",
        lambda: connect(("source.spikes", "cell.current")),
        nm.WiringError,
        "wires is a list of wire(...), got ('source.spikes', 'cell.current'). Write "
        "wires=[wire('a.outputs', to='b.inputs')].",
    ),
    Mistake(
        "components as a list",
        lambda: nm.connect([nm.LIF(units=2)], []),  # type: ignore[arg-type]
        nm.WiringError,
        "connect takes a dict of components by name: connect(dict(cell=nm.LIF(units=10)), "
        "wires=[...]), got list.",
    ),
    Mistake(
        "a class for a component",
        lambda: nm.connect({"cell": nm.LIF}, []),  # type: ignore[dict-item]
        nm.WiringError,
        "'cell' is the class LIF, not a component: write cell=nm.LIF(...).",
    ),
    Mistake(
        "a name with a dot",
        lambda: nm.connect({"a.b": nm.LIF(units=2)}, []),
        nm.WiringError,
        "'a.b' cannot name a component: names become paths, so write letters, digits and "
        "underscores ('t' is the time).",
    ),
    Mistake(
        "advance_state writes weights",
        lambda: nm.connect({"bad": Greedy()}, []),
        nm.WiringError,
        "Greedy.advance_state writes 'weights', a Shared compartment: one array for the whole "
        "batch, which one example may not change. Write it in evolve, or declare it weights: "
        "PerExample[...].",
    ),
    Mistake(
        "advance_state changes a shape",
        lambda: nm.connect({"bad": Drifting()}, []),
        nm.WiringError,
        "Drifting.advance_state changed 'outputs' from float32[2] to float32[3]. A "
        "compartment keeps the shape and dtype it began with.",
    ),
    Mistake(
        "wire without a source",
        lambda: wire(to="cell.current"),
        TypeError,
        "wire(to='cell.current') has no source: write wire('cell.spikes', to='cell.current').",
    ),
    Mistake(
        "delay of no step",
        lambda: delayed("cell.spikes", steps=0),
        ValueError,
        "delayed('cell.spikes', steps=0): steps is a whole number of at least 1. For the "
        "value of the same step write 'cell.spikes' alone.",
    ),
    Mistake(
        "a compartment without a role",
        no_role,
        TypeError,
        'Bad.v has no role. Write, for example, v: PerExample[Array, "units"] (roles: Input, '
        "PerExample, LearningInput, Shared, Borrowed).",
    ),
    Mistake(
        "a size of zero",
        lambda: nm.LIF(units=0),
        ValueError,
        "LIF: units is a whole number of at least 1, got 0.",
    ),
    Mistake(
        "a word for a number",
        lambda: nm.init(nm.LIF(units=2, tau="20"), KEY),  # type: ignore[arg-type]
        TypeError,
        "The hyper-parameter tau is a number or an array, got '20'. In a component of your "
        "own, declare what is not a number as tau: Static[...].",
    ),
    Mistake(
        "a number for a key",
        lambda: nm.init(nm.LIF(units=2), 0),
        TypeError,
        "key is one random key: write key=jax.random.key(0), got 0.",
    ),  # type: ignore[arg-type]
    Mistake(
        "a batch of zero",
        lambda: nm.init(nm.LIF(units=2), KEY, batch=0),
        ValueError,
        "init: batch is a whole number of at least 1, got 0.",
    ),
    Mistake(
        "state and component exchanged",
        lambda: nm.advance_state(memory_state(), memory()),
        TypeError,
        "The first argument is a component or circuit, got HopfieldState. The order is "
        "(component, state).",
    ),  # type: ignore[arg-type]
    Mistake(
        "the state of another component",
        lambda: nm.advance_state(nm.LIF(units=2), memory_state()),
        ValueError,
        "This HopfieldState is not a state of LIF, or of other parts or sizes. Make it with "
        "state = nm.init(component, jax.random.key(0), batch=...).",
    ),
    Mistake(
        "the state of another size",
        lambda: nm.advance_state(nm.LIF(units=2), nm.init(nm.LIF(units=3), KEY)),
        ValueError,
        "LIF: 'current' has shape (1, 3), expected (batch, 2). The state belongs to a "
        "component of other sizes: make it with nm.init(component, jax.random.key(0), "
        "batch=...).",
    ),
    Mistake(
        "t for a circuit",
        lambda: nm.advance_state(circuit(), state(), t=3.0),
        ValueError,
        "A circuit keeps its own time: write state.set({'t': t}) instead of t=.",
    ),
    Mistake(
        "a batch of another size",
        lambda: memory_state().replace(inputs=jnp.zeros((5, 3))),
        ValueError,
        "HopfieldState.inputs has shape (1, 3), got (5, 3). For another batch size write "
        "nm.init(component, key, batch=5).",
    ),
    Mistake(
        "one example without its axis",
        lambda: memory_state().replace(inputs=jnp.zeros(3)),
        ValueError,
        "HopfieldState.inputs has shape (1, 3), got (3,). The first axis is the batch: write "
        "value[None] for one example.",
    ),
    Mistake(
        "a scalar for an array",
        lambda: state().set({"cell.current": 1.0}),
        ValueError,
        "LIFState.current has shape (2, 3), got (). Nothing is broadcast: write jnp.full((2, "
        "3), value).",
    ),
    Mistake(
        "an unknown compartment",
        lambda: memory_state().replace(input=jnp.zeros((1, 3))),
        ValueError,
        "HopfieldState has no compartment 'input'. Did you mean 'inputs'?",
    ),
    Mistake(
        "an unknown path",
        lambda: state()["cell.voltage"],
        ValueError,
        "LIFState has no compartment 'voltage'. There is: current, refractory, spikes, v.",
    ),
    Mistake(
        "an unknown path of a circuit",
        lambda: state().set({"cel.v": 1.0}),
        ValueError,
        "The circuit has no component 'cel'. Did you mean 'cell'?",
    ),
    Mistake(
        "floats into a counter",
        lambda: memory_state().replace(count=jnp.float32(2)),
        ValueError,
        "HopfieldState.count holds int32, got float32. Convert it first: count.astype('int32').",
    ),
    Mistake(
        "record an unknown name",
        lambda: nm.run(circuit(), state(), steps=2, record="cell.spike"),
        ValueError,
        "run: record names 'cell.spike'. Did you mean 'cell.spikes'?",
    ),
    Mistake(
        "record what learns nothing",
        lambda: nm.run(circuit(), state(), steps=2, record="cell.weight_changes"),
        ValueError,
        "run: record names 'cell.weight_changes', but LIF learns nothing.",
    ),
    Mistake(
        "clamp what is no input",
        lambda: nm.run(circuit(), state(), steps=2, clamp={"cell.v": jnp.zeros((2, 3))}),
        ValueError,
        "run: clamp names 'cell.v', which is PerExample. Only inputs can be driven or "
        "clamped: what is computed from a clamped value would not know of it. To set it once, "
        "write state.set({'cell.v': value}) before.",
    ),
    Mistake(
        "clamp a wired input",
        lambda: nm.run(circuit(), state(), steps=2, clamp={"cell.current": jnp.zeros((2, 3))}),
        ValueError,
        "run: clamp names 'cell.current', which is driven by wire('source.spikes', "
        "to='cell.current') already.",
    ),
    Mistake(
        "inputs without time",
        lambda: nm.run(circuit(), state(), steps=4, inputs={"source.inputs": np.zeros((2, 3))}),
        ValueError,
        "run: inputs['source.inputs'] has shape (2, 3), expected (4, 2, 3): (steps, batch, ...).",
    ),
    Mistake(
        "steps as a float",
        lambda: nm.run(circuit(), state(), steps=2.5),
        ValueError,
        "run: steps is a whole number of at least 1, got 2.5.",
    ),  # type: ignore[arg-type]
    Mistake(
        "weight changes of a cell",
        lambda: nm.weight_changes(nm.LIF(units=3), nm.init(nm.LIF(units=3), KEY)),
        TypeError,
        "LIF learns nothing: it has no weight changes.",
    ),
    Mistake(
        "an unknown parameter",
        lambda: nm.parameters(state(), ["cell.v"]),
        ValueError,
        "'cell.v' is no parameter. This state has none.",
    ),
    Mistake(
        "an unknown hyper-parameter",
        lambda: nm.with_parameters(circuit(), {"cell.taus": 3.0}),
        ValueError,
        "There is no hyper-parameter 'cell.taus'. Did you mean 'cell.tau'?",
    ),
    Mistake(
        "patterns as columns",
        lambda: nm.Hopfield(slots=9, features=3, patterns=jnp.zeros((3, 7))),
        ValueError,
        "Hopfield: patterns are rows of shape (n, features=3), got (3, 7); columns are "
        "transposed by patterns.T.",
    ),
    Mistake(
        "too many patterns",
        lambda: nm.Hopfield(slots=4, features=3, patterns=jnp.zeros((7, 3))),
        ValueError,
        "Hopfield: 7 patterns do not fit into slots=4: write slots=7.",
    ),
    Mistake(
        "store rows of another width",
        lambda: nm.store(memory(), memory_state(), jnp.zeros((2, 5))),
        ValueError,
        "store: inputs has shape (2, 5), expected (rows, 3).",
    ),
    Mistake(
        "store one pattern",
        lambda: nm.store(memory(), memory_state(), jnp.zeros(3)),
        ValueError,
        "store: inputs is one pattern of shape (3,); they are rows: write inputs[None].",
    ),
    Mistake(
        "store NaN",
        lambda: nm.store(memory(), memory_state(), jnp.full((1, 3), jnp.nan)),
        ValueError,
        "store: inputs holds NaN or infinite values, and Hopfield would keep them. Look at "
        "np.argwhere(~np.isfinite(inputs)).",
    ),
    Mistake(
        "store targets in an auto-associative memory",
        lambda: nm.store(memory(), memory_state(), jnp.zeros((1, 3)), jnp.zeros((1, 3))),
        ValueError,
        "store: Hopfield is auto-associative, it recalls what it stored: leave out targets.",
    ),
    Mistake(
        "store in a circuit",
        lambda: nm.store(circuit(), state(), jnp.zeros((1, 3))),
        TypeError,
        "nm.store takes (memory, state, inputs), got Circuit and CircuitState. In a circuit: "
        "nm.store(circuit['memory'], state['memory'], inputs).",
    ),  # type: ignore[arg-type]
    Mistake(
        "steps and tol",
        lambda: nm.recall(memory(), memory_state(), jnp.zeros((1, 3)), steps=2, tol=1e-3),
        ValueError,
        "read: give steps= or tol=, not both (max_steps= limits tol=).",
    ),
    Mistake(
        "tol where nothing promises convergence",
        lambda: nm.recall(
            memory().replace(similarity="manhattan"), memory_state(), jnp.zeros((1, 3)), tol=1e-3
        ),
        ValueError,
        "read: tol= needs a recall that converges. Manhattan: its minimiser is a weighted "
        "median of the patterns, but recall takes their mean. Use steps= instead.",
    ),
    Mistake(
        "known of another shape",
        lambda: nm.recall(memory(), memory_state(), jnp.zeros((1, 3)), known=jnp.ones((1, 2))),
        ValueError,
        "read: known has shape (1, 2), expected (1, 3).",
    ),
    Mistake(
        "eta and optimizer",
        lambda: nm.Hopfield(slots=2, features=2, eta=0.1, optimizer=optax.sgd(0.1)),
        ValueError,
        "Hopfield: give eta= or optimizer=, not both. A learning rate for optax goes into the "
        "optimiser, optimizer=optax.sgd(0.1).",
    ),
    Mistake(
        "an unknown similarity",
        lambda: nm.Hopfield(slots=2, features=2, similarity="cosin"),
        ValueError,
        "Unknown similarity 'cosin'. Did you mean 'cosine'? Names: 'dot', 'cosine', "
        "'euclidean', 'manhattan', 'hamming'.",
    ),
    Mistake(
        "an unknown policy",
        lambda: nm.Hopfield(slots=2, features=2, when_full="drop"),  # type: ignore[arg-type]
        ValueError,
        "Hopfield: when_full is one of 'ring', 'refuse', got 'drop'.",
    ),
    Mistake(
        "a hyper-parameter that varies over nothing",
        lambda: nm.Population(member=nm.LIF(units=2), count=3, varying=("tau",)),
        ValueError,
        "Population: tau is to vary over count=3 members; give it shape (3, ...), got ().",
    ),
    Mistake(
        "no step length",
        lambda: nm.run(circuit(), state(), steps=2, dt=None),  # type: ignore[arg-type]
        ValueError,
        "dt is the length of a step, a positive number of ms, got None.",
    ),
    Mistake(
        "a step backwards",
        lambda: nm.advance_state(circuit(), state(), dt=-1.0),
        ValueError,
        "dt is the length of a step, a positive number of ms, got -1.0.",
    ),
    Mistake(
        "learning by name",
        lambda: nm.run(circuit(), state(), steps=2, learn="cell"),  # type: ignore[arg-type]
        TypeError,
        "run: learn is True or False, got 'cell'. All components learn or none: give one that "
        "should not an eta of 0, nm.with_parameters(circuit, {'synapse.eta': 0.0}).",
    ),
    Mistake(
        "fewer steps than a record",
        lambda: nm.run(circuit(), state(), steps=5, record="cell.v", record_every=10),
        ValueError,
        "run: record_every=10 would record nothing in 5 steps.",
    ),
    Mistake(
        "a mask for a partial cue",
        lambda: nm.recall(memory(), memory_state(), jnp.ones((2, 3)), mask=jnp.ones((2, 3))),
        ValueError,
        "read: 'mask' is no input of Hopfield, whose inputs are inputs, known. For a partial cue "
        "write known=...",
    ),
]
