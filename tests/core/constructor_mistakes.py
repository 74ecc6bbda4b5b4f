"""Mistakes in what a component is made of."""

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm
from tests.core.mistakes import KEY, Mistake, circuit, fields

MISTAKES = [
    Mistake(
        "a word for a number",
        lambda: nm.Hopfield(slots=4, features=3, beta="a"),  # type: ignore[arg-type]
        TypeError,
        "Hopfield: beta is a number or an array, got 'a'.",
    ),
    Mistake(
        "a capital",
        lambda: nm.Hopfield(slots=4, features=3, Beta=3.0),  # type: ignore[call-arg]
        TypeError,
        "Hopfield has no 'Beta'. Did you mean 'beta'?",
    ),
    Mistake(
        "an abbreviated firing pattern",
        lambda: nm.cells.IZHIKEVICH_PATTERNS["RS"],
        KeyError,
        "\"IZHIKEVICH_PATTERNS has no 'RS'. Write 'regular_spiking'.\"",
    ),
    Mistake(
        "a firing pattern of another name",
        lambda: nm.cells.IZHIKEVICH_PATTERNS["thalamo_cortical"],
        KeyError,
        "\"IZHIKEVICH_PATTERNS has no 'thalamo_cortical'. There is: chattering, fast_spiking, "
        'intrinsically_bursting, low_threshold_spiking, regular_spiking, resonator."',
    ),
    Mistake(
        "a list for an array",
        lambda: nm.LIF(units=2, tau=[5.0, 10.0]),  # type: ignore[arg-type]
        TypeError,
        "LIF: tau is a number or an array, got [5.0, 10.0]. Write tau=jnp.array([5.0, 10.0]).",
    ),
    Mistake(
        "a list put in later",
        lambda: nm.LIF(units=2).replace(tau=(5.0, 10.0)),
        TypeError,
        "LIF: tau is a number or an array, got (5.0, 10.0). Write tau=jnp.array((5.0, 10.0)).",
    ),
    Mistake(
        "a long list of patterns",
        lambda: nm.Hopfield(slots=4, features=20, patterns=[[0.0] * 20] * 2),  # type: ignore
        TypeError,
        "Hopfield: patterns is an array, got a list. Write patterns=jnp.array(patterns).",
    ),
    Mistake(
        "a rule by name",
        lambda: nm.Hopfield(slots=4, features=3, rule="delta"),  # type: ignore[arg-type]
        ValueError,
        "Hopfield: rule is an nm.plasticity.SlotRule such as nm.plasticity.Delta(), got 'delta'.",
    ),
    Mistake(
        "the class of a rule",
        lambda: nm.Hopfield(slots=4, features=3, rule=nm.plasticity.Contrastive),  # type: ignore[arg-type]
        ValueError,
        "Hopfield: rule is an nm.plasticity.SlotRule such as nm.plasticity.Delta(), got <class "
        "'ngcmem.plasticity.rules.Contrastive'>. That is the class: write "
        "rule=nm.plasticity.Contrastive().",
    ),
    Mistake(
        "a rule of another memory",
        lambda: nm.Hopfield(
            slots=4,
            features=3,
            rule=nm.plasticity.OuterProduct(),  # type: ignore[arg-type]
            eta=0.1,
        ),
        ValueError,
        "Hopfield: rule is an nm.plasticity.SlotRule such as nm.plasticity.Delta(), got "
        "OuterProduct(eta=1.0). OuterProduct stores patterns "
        "in the couplings of nm.ClassicalHopfield.",
    ),
    Mistake(
        "field weights without their names",
        lambda: fields().replace(field_weights=[1, 2.0]),
        ValueError,
        "Episodic: field_weights is one number for all key fields or a dict of one for each, got "
        "[1, 2.0]. Write field_weights={'state': 1.0, 'time': 1.0}.",
    ),
    Mistake(
        "several weights for one field",
        lambda: fields().replace(field_weights={"state": [1.0], "time": 1.0}),
        ValueError,
        "Episodic: field_weights['state'] is one number, got [1.0].",
    ),
    Mistake(
        "a probability of 3",
        lambda: nm.Episodic(slots=4, keys=3, storage_probability=3.0),
        ValueError,
        "Episodic: storage_probability is a number in [0, 1] or None, got 3.0.",
    ),
    Mistake(
        "a negative time constant",
        lambda: nm.LIF(units=1, tau=-5.0),
        ValueError,
        "LIF: tau is a number in (0, inf], got -5.0.",
    ),
    Mistake(
        "a time constant of 0",
        lambda: nm.LIF(units=1, tau=0),
        ValueError,
        "LIF: tau is a number in (0, inf], got 0.",
    ),
    Mistake(
        "one time constant of several",
        lambda: nm.LIF(units=2, tau=jnp.array([5.0, -2.0])),
        ValueError,
        "LIF: tau is a number in (0, inf], got an array with -2.0.",
    ),
    Mistake(
        "a negative inverse temperature",
        lambda: nm.Hopfield(slots=4, features=3, beta=-3),
        ValueError,
        "Hopfield: beta is a number in [0, inf), got -3.",
    ),
    Mistake(
        "a learning rate that is no number",
        lambda: nm.Hopfield(slots=4, features=3, eta=float("nan")),
        ValueError,
        "Hopfield: eta is a number in [0, inf) or None, got nan.",
    ),
    Mistake(
        "a value put in later",
        lambda: nm.Trace(units=1).replace(tau=np.float32(-1)),
        ValueError,
        "Trace: tau is a number in [0, inf], got -1.0.",
    ),
    Mistake(
        "a value put into a circuit",
        lambda: nm.with_parameters(circuit(), {"cell.tau": -1.0}),
        ValueError,
        "LIF: tau is a number in (0, inf], got -1.0.",
    ),
    Mistake(
        "a value that no constructor saw",
        lambda: nm.advance_state(
            jax.tree.map(jnp.negative, nm.Trace(units=2)), nm.init(nm.Trace(units=2), KEY)
        ),
        ValueError,
        "Trace: tau is a number in [0, inf], got -20.0.",
    ),
    Mistake(
        "a constant of a rule",
        lambda: nm.plasticity.RecursiveLeastSquares(forgetting=1.5),
        ValueError,
        "RecursiveLeastSquares: forgetting is a number in (0, 1], got 1.5.",
    ),
    Mistake(
        "no connection",
        lambda: nm.Hopfield(slots=4, features=3, p_conn=0.0),
        ValueError,
        "Hopfield: p_conn is a number in (0, 1], got 0.0.",
    ),
    Mistake(
        "half a slot",
        lambda: nm.retrieval.TopK(k=2.5),  # type: ignore[arg-type]
        ValueError,
        "TopK: k is a whole number of at least 1, got 2.5.",
    ),
]
