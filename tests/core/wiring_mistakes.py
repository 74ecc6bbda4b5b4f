"""Mistakes in circuits: names, wires and components."""

import ngcmem as nm
from ngcmem import delayed, wire
from tests.core.mistakes import Borrower, Drifting, Greedy, Mistake, cells, connect, no_role

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
        "scale, no part, no delay.",
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
        "no components",
        lambda: nm.connect({}, []),
        nm.WiringError,
        "connect takes a dict of components by name: connect(dict(cell=nm.LIF(units=10)), "
        "wires=[...]), got an empty dict.",
    ),
    Mistake(
        "a wire to a hyper-parameter",
        lambda: connect(wire("source.spikes", to="cell.tau")),
        nm.WiringError,
        "wire('source.spikes', to='cell.tau'): 'cell.tau' is a hyper-parameter, which no wire "
        "reaches. To change it write nm.with_parameters(circuit, {'cell.tau': value}).",
    ),
    Mistake(
        "a wire to a component",
        lambda: connect(wire("source.spikes", to="cell")),
        nm.WiringError,
        "wire('source.spikes', to='cell'): 'cell' is a component. Name one of its compartments, "
        "such as 'cell.current'.",
    ),
    Mistake(
        "a wire from a component",
        lambda: connect(wire("source", to="cell.current")),
        nm.WiringError,
        "wire('source', to='cell.current'): 'source' is a component. Name one of its "
        "compartments, such as 'source.spikes'.",
    ),
    Mistake(
        "a component replaced in a circuit",
        lambda: connect().replace(cell=nm.LIF(units=3)),
        TypeError,
        "'cell' is a component of the circuit, not a field. For another hyper-parameter write "
        "nm.with_parameters(circuit, {'cell.tau': value}), for another component nm.connect(...).",
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
        "delayed: steps is a whole number of at least 1, got 0. For the value of the same step "
        "write 'cell.spikes' alone.",
    ),
    Mistake(
        "a compartment without a role",
        no_role,
        TypeError,
        'Bad.v has no role. Write, for example, v: PerExample[Array, "units"] (roles: Input, '
        "PerExample, LearningInput, Shared, Borrowed).",
    ),
    Mistake(
        "a wire for a list of wires",
        lambda: nm.connect(cells(), wire("source.spikes", to="cell.current")),  # type: ignore[arg-type]
        nm.WiringError,
        "wires is a list of wire(...), got wire('source.spikes', to='cell.current'). Write "
        "wires=[wire('a.outputs', to='b.inputs')].",
    ),
    Mistake(
        "a wire to several targets",
        lambda: wire("source.spikes", to=["cell.current"]),  # type: ignore[arg-type]
        TypeError,
        "A wire ends at one compartment's name such as 'cell.current', got ['cell.current'].",
    ),
]
