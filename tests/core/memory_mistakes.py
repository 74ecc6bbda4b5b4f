"""Mistakes in storing and recalling."""

import jax.numpy as jnp
import optax

import ngcmem as nm
from tests.core.mistakes import KEY, Mistake, Tensor, circuit, fields, memory, memory_state, state

MISTAKES = [
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
        "state = state.set({'memory': nm.store(circuit['memory'], state['memory'], inputs)}).",
    ),  # type: ignore[arg-type]
    Mistake(
        "recall in a circuit",
        lambda: nm.recall(circuit(), state(), jnp.zeros((1, 3))),
        TypeError,
        "nm.recall takes (memory, state, inputs), got Circuit and CircuitState. In a circuit: "
        "nm.recall(circuit['memory'], state['memory'], inputs).",
    ),  # type: ignore[arg-type]
    Mistake(
        "store None",
        lambda: nm.store(memory(), memory_state(), None),
        ValueError,
        "store: inputs is None, expected (rows, 3).",
    ),
    Mistake(
        "store None in a field",
        lambda: nm.store(
            fields(), nm.init(fields(), KEY), {"state": jnp.zeros((2, 3)), "time": None}
        ),
        ValueError,
        "store: inputs['time'] is None, expected (rows, 2).",
    ),
    Mistake(
        "store no row",
        lambda: nm.store(memory(), memory_state(), jnp.zeros((0, 3))),
        ValueError,
        "store: inputs has shape (0, 3): give at least one row.",
    ),
    Mistake(
        "a dict for one array",
        lambda: nm.store(memory(), memory_state(), {"state": jnp.zeros((2, 3))}),
        ValueError,
        "store: inputs is one array, this Hopfield has no named fields; got a dict. Write "
        "inputs['state'].",
    ),
    Mistake(
        "a tensor of another library",
        lambda: nm.recall(memory(), memory_state(), Tensor()),
        TypeError,
        "recall: inputs is a tests.core.mistakes.Tensor: write inputs.numpy().",
    ),
    Mistake(
        "steps and tol",
        lambda: nm.recall(memory(), memory_state(), jnp.zeros((1, 3)), steps=2, tol=1e-3),
        ValueError,
        "recall: give steps= or tol=, not both (max_steps= limits tol=).",
    ),
    Mistake(
        "tol where nothing promises convergence",
        lambda: nm.recall(
            memory().replace(similarity="manhattan"), memory_state(), jnp.zeros((1, 3)), tol=1e-3
        ),
        ValueError,
        "recall: tol= needs a recall that converges. Manhattan: its minimiser is a weighted "
        "median of the patterns, but recall takes their mean. Use steps= instead.",
    ),
    Mistake(
        "known of another shape",
        lambda: nm.recall(memory(), memory_state(), jnp.zeros((1, 3)), known=jnp.ones((1, 2))),
        ValueError,
        "recall: known has shape (1, 2), expected (1, 3).",
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
        "Hopfield: when_full is one of 'fifo', 'refuse', got 'drop'.",
    ),
    Mistake(
        "a hyper-parameter that varies over nothing",
        lambda: nm.Population(member=nm.LIF(units=2), count=3, varying=("tau",)),
        ValueError,
        "Population: tau is to vary over count=3 members; give it shape (3, ...), got ().",
    ),
    Mistake(
        "a step backwards",
        lambda: nm.advance_state(circuit(), state(), dt=-1.0),
        ValueError,
        "dt is the length of a step, a positive number of ms, got -1.0.",
    ),
    Mistake(
        "a mask for a partial cue",
        lambda: nm.recall(memory(), memory_state(), jnp.ones((2, 3)), mask=jnp.ones((2, 3))),
        ValueError,
        "recall: 'mask' is no input of Hopfield, whose inputs are inputs, known. For a partial cue "
        "write known=...",
    ),
    Mistake(
        "an option that decides what is kept",
        lambda: nm.evolve(memory().replace(optimizer=optax.adam(0.1)), memory_state()),
        ValueError,
        "Hopfield: 'optimizer_state' of this state was made with other options than Hopfield has "
        "now (it is 0 arrays, expected 3 arrays); they decide what is kept. Make a new state: "
        "nm.init(component, jax.random.key(0), batch=...).",
    ),
    Mistake(
        "an array for a dict of fields",
        lambda: nm.recall(fields(), nm.init(fields(), KEY), jnp.zeros((1, 5))),
        ValueError,
        "recall: inputs is a dict of the fields state, time, got no dict. Write "
        "inputs={'state': ..., 'time': ...}.",
    ),
    Mistake(
        "delete half a slot",
        lambda: fields().delete(nm.init(fields(), KEY), 1.5),
        ValueError,
        "delete: slots is the number of one slot or a bool array (4,), got 1.5. For several "
        "numbers: jnp.isin(jnp.arange(4), numbers).",
    ),
    Mistake(
        "delete a slot there is not",
        lambda: fields().delete(nm.init(fields(), KEY), 500),
        ValueError,
        "delete: the slots are 0 to 3, got 500.",
    ),
    Mistake(
        "delete the last slot from the end",
        lambda: fields().delete(nm.init(fields(), KEY), -1),
        ValueError,
        "delete: the slots are 0 to 3, got -1.",
    ),
    Mistake(
        "a missing field",
        lambda: nm.recall(fields(), nm.init(fields(), KEY), {"state": jnp.zeros((1, 3))}),
        ValueError,
        "recall: inputs is a dict of the fields state, time; 'time' is missing.",
    ),
    Mistake(
        "a misspelt field",
        lambda: nm.recall(fields(), nm.init(fields(), KEY), {"stat": jnp.zeros((1, 3))}),
        ValueError,
        "recall: inputs is a dict of the fields state, time, got 'stat'. Did you mean 'state'?",
    ),
    Mistake(
        "one pattern in a field",
        lambda: nm.recall(
            fields(), nm.init(fields(), KEY), {"state": jnp.zeros(3), "time": jnp.zeros(2)}
        ),
        ValueError,
        "recall: inputs['state'] is one pattern of shape (3,); they are rows: write "
        "inputs['state'][None].",
    ),
]
