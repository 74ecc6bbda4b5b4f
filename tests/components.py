"""The table of all components: every generic test runs through it.

Add one line per component. `drive` scales the random values, uniform in 0..1, that the tests write
to its Inputs and LearningInputs (1 by default; a compartment left at its `init` value: None).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax

import ngcmem as nm
from ngcmem import delayed, wire


@dataclass(frozen=True)
class Entry:
    """How to build a component and exercise it."""

    build: Callable[[], nm.Component]
    drive: Mapping[str, float | None] = field(default_factory=dict)
    prepare: Callable[[Any, Any], Any] = lambda component, state: state
    no_gradient: str = ""  # why hyper-parameters have no useful gradient
    outputs: tuple[str, ...] = ()  # what the gradient test sums; all float PerExample by default


PATTERNS = 0.5 * jax.random.normal(jax.random.key(7), (4, 6))


def _with_patterns(component: Any, state: Any) -> Any:
    return nm.store(component, state, PATTERNS)


def _column() -> nm.Circuit:
    return nm.connect(
        dict(
            source=nm.Poisson(units=6, rate=400.0),
            synapse=nm.Dense(inputs=6, outputs=4),
            cell=nm.LIF(units=4, resistance=40.0),
            inhibition=nm.Dense(inputs=4, outputs=4),
            trace=nm.Trace(units=4),
        ),
        [
            wire("source.spikes", to="synapse.inputs"),
            wire("synapse.outputs", "-inhibition.outputs", to="cell.current"),
            wire(delayed("cell.spikes", steps=3), to="inhibition.inputs"),
            wire("cell.spikes", to="trace.inputs"),
        ],
    )


def _nested() -> nm.Circuit:
    return nm.connect(
        dict(
            column=_column(),
            memory=nm.Hopfield(slots=8, features=4, eta=0.1, initial="random"),
            readout=nm.Dense(inputs=4, outputs=2),
        ),
        [
            wire("column.trace.trace", to="memory.inputs"),
            wire("memory.outputs", to="readout.inputs"),
        ],
    )


COMPONENTS: dict[str, Entry] = {
    "Dense": Entry(lambda: nm.Dense(inputs=5, outputs=3)),
    "LIF": Entry(
        lambda: nm.LIF(units=5),
        drive={"current": 60.0},
        no_gradient="spikes are steps; v has gradients between spikes",
        outputs=("v",),
    ),
    "Poisson": Entry(lambda: nm.Poisson(units=5, rate=300.0), no_gradient="spikes are draws"),
    "Trace": Entry(lambda: nm.Trace(units=5)),
    "Hopfield": Entry(
        lambda: nm.Hopfield(slots=8, features=6, beta=2.0, eta=0.1), prepare=_with_patterns
    ),
    "Hopfield contrastive": Entry(
        lambda: nm.Hopfield(
            slots=8,
            features=6,
            optimizer=optax.sgd(1e-2, momentum=0.9),
            rule=nm.Contrastive(steps=2, winners=2),
            similarity="euclidean",
            weight_decay=1e-3,
            l1=1e-4,
        ),
        prepare=_with_patterns,
    ),
    "Hopfield noisy": Entry(
        lambda: nm.Hopfield(
            slots=8,
            features=6,
            eta=0.1,
            rule=nm.Noisy(rule=nm.Perturbation()),
            initial="random",
            p_conn=0.7,
            efficacy=0.8,
            novelty=0.5,
        ),
    ),
    "BernoulliError": Entry(lambda: nm.BernoulliError(units=5)),
    "GaussianError": Entry(lambda: nm.GaussianError(units=5, variance=0.5)),
    "LaplacianError": Entry(lambda: nm.LaplacianError(units=5, scale=0.5)),
    "TotalEnergy": Entry(lambda: nm.TotalEnergy()),
    "Value": Entry(lambda: nm.Value(units=5)),
    "Feedback": Entry(
        lambda: nm.Feedback(inputs=5, outputs=3),
        no_gradient="its weights are lent by a wire, and 0 without one",
    ),
    "Predictive": Entry(lambda: nm.Predictive(inputs=5, outputs=3, eta=0.1)),
    "PredictiveCodingRNN": Entry(
        lambda: nm.PredictiveCodingRNN(outputs=2, states=5, causes=2, patterns=3, eta=0.1)
    ),
    "GenerativePC": Entry(
        lambda: nm.GenerativePC(features=6, hidden=(5, 3), settle_steps=5, store_steps=20, eta=0.1),
        prepare=_with_patterns,
    ),
    "CovariancePC": Entry(
        lambda: nm.CovariancePC(features=6, ridge=0.1, eta=0.01), prepare=_with_patterns
    ),
    "CovariancePC implicit": Entry(
        lambda: nm.CovariancePC(features=6, ridge=0.1, eta=0.01, form="implicit"),
        prepare=_with_patterns,
    ),
    "TemporalPC": Entry(
        lambda: nm.TemporalPC(features=6, ridge=1e-3, eta=0.1), prepare=_with_patterns
    ),
    "DeepTemporalPC": Entry(
        lambda: nm.DeepTemporalPC(features=6, hidden=5, settle_steps=5, epochs=5),
        prepare=_with_patterns,
    ),
    "Population": Entry(
        lambda: nm.Population(
            member=nm.LIF(units=3, tau=jnp.array([10.0, 30.0])), count=2, varying=("tau",)
        ),
        drive={"current": 60.0},
        outputs=("v",),
        no_gradient="spikes are steps",
    ),
    "circuit": Entry(_column, no_gradient="spikes are steps"),
    "nested circuit": Entry(_nested, no_gradient="spikes are steps"),
}
