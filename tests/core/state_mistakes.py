"""Mistakes in hyper-parameters, states and runs."""

import jax.numpy as jnp
import numpy as np

import ngcmem as nm
from tests.core.mistakes import KEY, Labelled, Mistake, Tensor, circuit, memory, memory_state, state

MISTAKES = [
    Mistake(
        "a size of zero",
        lambda: nm.LIF(units=0),
        ValueError,
        "LIF: units is a whole number of at least 1, or a tuple of them, got 0.",
    ),
    Mistake(
        "a word for a number in a component of one's own",
        lambda: nm.init(Labelled(label="20"), KEY),
        TypeError,
        "The hyper-parameter label is a number or an array, got '20'. In a component of your "
        "own, declare what is not a number as label: Static[...].",
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
        "nm.rebatch(component, state, batch=5), which keeps what was learned.",
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
        "a tensor of another library in a state",
        lambda: nm.init(memory(), KEY, batch=2).replace(inputs=Tensor()),
        TypeError,
        "HopfieldState.inputs is a tests.core.mistakes.Tensor: write inputs.numpy().",
    ),
    Mistake(
        "a tensor of another library held",
        lambda: nm.run(circuit(), state(), steps=2, clamp={"source.inputs": Tensor()}),
        TypeError,
        "run: clamp['source.inputs'] is a tests.core.mistakes.Tensor: write "
        "clamp['source.inputs'].numpy().",
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
        "LIFState has no compartment 'voltage'. There is: current, jump, refractory, spikes, v, "
        "v_rounding.",
    ),
    Mistake(
        "an unknown path of a circuit",
        lambda: state().set({"cel.v": 1.0}),
        ValueError,
        "The circuit has no component 'cel'. Did you mean 'cell'?",
    ),
    Mistake(
        "a component's state replaced in a circuit's",
        lambda: state().replace(cell=1.0),
        TypeError,
        "'cell' is a component of the circuit, not a field of its state: write "
        "state.set({'cell': ...}).",
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
        "clamp an unknown name",
        lambda: nm.run(circuit(), state(), steps=2, clamp={"cell": jnp.zeros((2, 3))}),
        ValueError,
        "run: clamp names 'cell'. Did you mean 'cell.jump'?",
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
        "a size in place of a hyper-parameter",
        lambda: nm.with_parameters(circuit(), {"cell.units": 3}),
        ValueError,
        "'cell.units' is a size or another fixed choice of LIF, no hyper-parameter: programs are "
        "compiled for it. Make a new component with another units=, or write "
        "component.replace(units=...).",
    ),
    Mistake(
        "a size of a bare component",
        lambda: nm.with_parameters(nm.LIF(units=3), {"units": 4}),
        ValueError,
        "'units' is a size or another fixed choice of LIF, no hyper-parameter: programs are "
        "compiled for it. Make a new component with another units=, or write "
        "component.replace(units=...).",
    ),
    Mistake(
        "no step length",
        lambda: nm.run(circuit(), state(), steps=2, dt=None),  # type: ignore[arg-type]
        ValueError,
        "dt is the length of a step, a positive number of ms, got None.",
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
        "a hyper-parameter without its name",
        lambda: nm.LIF(3),  # type: ignore[misc]
        TypeError,
        "LIF takes its fields by name: write LIF(units=3, ...).",
    ),
    Mistake(
        "a misspelt hyper-parameter",
        lambda: nm.LIF(units=3, tua=10.0),  # type: ignore[call-arg]
        TypeError,
        "LIF has no 'tua'. Did you mean 'tau'?",
    ),
]
