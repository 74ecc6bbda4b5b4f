"""The table of all components: every generic test runs through it.

Add one line per component. `drive` scales the random values, uniform in 0..1, that the tests write
to its Inputs and LearningInputs (1 by default; a compartment left at its `init` value: None).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import optax

import ngcmem as nm
from ngcmem import delayed, wire


@dataclass(frozen=True, eq=False)
class Entry:
    """How to build a component and exercise it. It is built once, so that its programs are too."""

    build: Callable[[], nm.Component]
    drive: Mapping[str, float | None] = field(default_factory=dict)
    prepare: Callable[[Any, Any], Any] = lambda component, state: state
    no_gradient: str = ""  # why hyper-parameters have no useful gradient
    dt: float = 1.0  # ms
    outputs: tuple[str, ...] = ()  # what the gradient test sums; all float PerExample by default

    def __post_init__(self) -> None:
        object.__setattr__(self, "build", cache(self.build))


LISTS = nm.connectivity.fixed_probability(6, 4, 0.5, seed=0)
DELAYS = [float(k % 3) for k in range(len(LISTS))]
LENT_KERNEL = jnp.linspace(-1.0, 1.0, 18).reshape(3, 2, 3)
LENT = jnp.linspace(-1.0, 1.0, 15).reshape(3, 5)
PATTERNS = 0.5 * jax.random.normal(jax.random.key(7), (4, 6))


def _with_patterns(component: Any, state: Any) -> Any:
    return nm.store(component, state, PATTERNS)


def _begun(component: Any, state: Any) -> Any:
    return state.set({"begun": jnp.ones_like(state.begun)})  # the first step does not move


SIGNS = jnp.sign(PATTERNS)


def _with_signs(component: Any, state: Any) -> Any:
    return nm.store(component, state, SIGNS)


def _with_bits(component: Any, state: Any) -> Any:
    return nm.store(component, state, (SIGNS > 0).astype(jnp.float32))


def _with_pairs(component: Any, state: Any) -> Any:
    return nm.store(component, state, {"first": SIGNS, "second": SIGNS[:, :4]})


def _with_values(component: Any, state: Any) -> Any:
    return nm.store(component, state, PATTERNS, PATTERNS[:, :3])


def _with_fields(component: Any, state: Any) -> Any:
    return nm.store(component, state, {"place": PATTERNS[:, :3], "time": PATTERNS[:, 3:5]})


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


def _rising(component: Any, state: Any) -> Any:
    return state.set({"rising": jnp.ones_like(state["rising"])})


def _wires() -> nm.Circuit:
    """Parts, scales, other axes and delays in ms."""
    return nm.connect(
        dict(
            source=nm.Poisson(units=(2, 4), rate=400.0),
            low=nm.LIF(units=(2, 4), resistance=40.0),
            sum=nm.Dense(inputs=4, outputs=2),
        ),
        [
            wire("0.5 * source.spikes", delayed("-low.spikes", ms=1.7), to="low.current"),
            wire(nm.reshaped("low.spikes[:, ::2]", -1), "2 * low.v[1]", to="sum.inputs"),
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
    "Poisson counts": Entry(
        lambda: nm.Poisson(units=5, rate=2000.0, counts=True), no_gradient="spikes are draws"
    ),
    "Trace": Entry(lambda: nm.Trace(units=5)),
    "LIF euler": Entry(
        lambda: nm.LIF(units=5, integration="euler", surrogate="triangle"), drive={"current": 60.0}
    ),
    "AdaptiveLIF": Entry(
        lambda: nm.AdaptiveLIF(units=5, homeostasis_increment=0.1), drive={"current": 60.0}
    ),
    "AdEx": Entry(lambda: nm.AdEx(units=5), drive={"current": 2000.0}),
    "Izhikevich": Entry(lambda: nm.Izhikevich(units=5), drive={"current": 30.0}),
    "Izhikevich half steps": Entry(
        lambda: nm.Izhikevich(units=5, integration="half_steps"), drive={"current": 30.0}
    ),
    "HodgkinHuxley": Entry(
        lambda: nm.HodgkinHuxley(units=5),
        drive={"current": 10.0},
        dt=0.02,
        outputs=("v", "n", "m", "h"),
    ),
    "WinnerTakeAll": Entry(lambda: nm.WinnerTakeAll(units=5), drive={"current": 60.0}),
    "RateCell": Entry(lambda: nm.RateCell(units=5, activation=jnp.tanh)),
    "OrnsteinUhlenbeck": Entry(lambda: nm.OrnsteinUhlenbeck(units=5)),
    "Bernoulli": Entry(lambda: nm.Bernoulli(units=5)),
    "Latency": Entry(lambda: nm.Latency(units=5), no_gradient="spike times are events"),
    "SpikeCount": Entry(lambda: nm.SpikeCount(units=5)),
    "SpikeIndices": Entry(
        lambda: nm.SpikeIndices(units=5, max_spikes=3), no_gradient="integers", outputs=("inputs",)
    ),
    "STDP": Entry(lambda: nm.STDP(inputs=5, outputs=3)),
    "TripletSTDP": Entry(lambda: nm.TripletSTDP(inputs=5, outputs=3, bounds="soft")),
    "InhibitorySTDP": Entry(lambda: nm.InhibitorySTDP(inputs=5, outputs=3)),
    "Eligibility": Entry(lambda: nm.Eligibility(inputs=5, outputs=3)),
    "RewardSTDP": Entry(
        lambda: nm.RewardSTDP(
            inputs=5, outputs=3, optimizer=optax.sgd(1e-2, momentum=0.9), total=2.0, bounds="soft"
        )
    ),
    "Hebbian": Entry(lambda: nm.Hebbian(inputs=5, outputs=3)),
    "Oja": Entry(lambda: nm.Oja(inputs=5, outputs=3)),
    "BCM": Entry(lambda: nm.BCM(inputs=5, outputs=3)),
    "Conv": Entry(lambda: nm.Conv(inputs=(5, 4, 2), channels=3, kernel_size=3, stride=(2, 1))),
    "ConvTranspose": Entry(
        lambda: nm.ConvTranspose(inputs=(4, 2), channels=3, kernel_size=3, stride=2, padding=1)
    ),
    "Patched": Entry(lambda: nm.Patched(patches=3, inputs_per_patch=4, outputs_per_patch=2)),
    "Pool": Entry(lambda: nm.Pool(inputs=(4, 5, 2), kernel_size=2)),
    "STDP convolution": Entry(
        lambda: nm.STDP(
            projection=nm.Conv(inputs=(5, 4, 2), channels=3, kernel_size=3, padding="same"),
            bounds="soft",
            total=2.0,
        )
    ),
    "Predictive convolution": Entry(
        lambda: nm.Predictive(projection=nm.Conv(inputs=(6, 2), channels=3, kernel_size=3), eta=0.1)
    ),
    "Feedback convolution": Entry(
        lambda: nm.Feedback(projection=nm.Conv(inputs=(6, 2), channels=3, kernel_size=3)),
        prepare=lambda component, state: state.set({"weights": LENT_KERNEL}),
    ),
    "AdaptiveLIF with a shape": Entry(
        lambda: nm.AdaptiveLIF(
            units=(2, 3), tau=jnp.array([[10.0, 15.0, 20.0]]), homeostasis_increment=0.1
        ),
        drive={"current": 60.0},
    ),
    "wires": Entry(_wires, outputs=("low.v", "sum.outputs")),
    "WhiteNoise": Entry(lambda: nm.WhiteNoise(units=5, sigma=0.5, mean=0.1)),
    "PoissonInput": Entry(
        lambda: nm.PoissonInput(units=(5, 2), sources=100, rate=20.0, weight=0.5),
    ),
    "PoissonInput per unit": Entry(
        lambda: nm.PoissonInput(units=3, sources=jnp.array([10.0, 200.0, 30.0]), rate=20.0),
    ),
    "ConductanceLIF": Entry(
        lambda: nm.ConductanceLIF(units=5, v_rest=-60.0, v_threshold=-50.0),
        drive={"current": 10.0, "drive": 10.0},
        outputs=("v",),
    ),
    "CubaLIF": Entry(lambda: nm.CubaLIF(units=5), drive={"current": 30.0}, outputs=("v",)),
    "Conductance": Entry(lambda: nm.Conductance(units=5)),
    "Conductance alpha": Entry(
        lambda: nm.Conductance(units=5, course="alpha", reversal=-70.0), prepare=_rising
    ),
    "Conductance NMDA": Entry(
        lambda: nm.Conductance(units=5, course="double_exponential", magnesium=1.0, tau=80.0),
        prepare=_rising,
    ),
    "EventSynapse": Entry(
        lambda: nm.EventSynapse(connections=LISTS, delay=2.0, max_steps=9),
        drive={"step_length": None},  # another one empties the ring
        no_gradient="delays are whole steps",
        outputs=("outputs",),
    ),
    "EventSynapse delays": Entry(
        lambda: nm.EventSynapse(
            connections=LISTS.with_delays(DELAYS), max_steps=9, method="events"
        ),
        drive={"step_length": None},
        outputs=("outputs",),
    ),
    "EventSTDP": Entry(
        lambda: nm.EventSTDP(connections=LISTS.with_delays(DELAYS), max_steps=9, eta=0.1),
        drive={"step_length": None},
        outputs=("outputs",),
    ),
    "Sparse": Entry(lambda: nm.Sparse(inputs=6, outputs=3, connections=2)),
    "ExponentialSynapse": Entry(lambda: nm.ExponentialSynapse(inputs=5, outputs=3)),
    "DoubleExponentialSynapse": Entry(lambda: nm.DoubleExponentialSynapse(inputs=5, outputs=3)),
    "TsodyksMarkram": Entry(lambda: nm.TsodyksMarkram(inputs=5, outputs=3)),
    "BennaFusi": Entry(
        lambda: nm.BennaFusi(synapse=nm.STDP(inputs=5, outputs=3), stages=3, tau=2.0, rest=0.5)
    ),
    "BennaFusi on a grid": Entry(
        lambda: nm.BennaFusi(
            synapse=nm.Hebbian(inputs=5, outputs=3, eta=0.1, bounds="none"),
            stages=3,
            grid=0.25,
            bound=2.0,
        )
    ),
    "FusiCascade": Entry(
        lambda: nm.FusiCascade(synapse=nm.STDP(inputs=5, outputs=3), stages=4),
        no_gradient="weights of two values",
    ),
    "Delay": Entry(
        lambda: nm.Delay(units=5, max_steps=4),
        drive={"step_length": None},  # another one empties the ring
        no_gradient="lags are whole steps",
        outputs=("outputs",),
    ),
    "Delay interpolated": Entry(
        lambda: nm.Delay(units=5, max_steps=4, delay=0.4, interpolate=True),
        drive={"step_length": None},
        outputs=("outputs",),
    ),
    "LateralInhibition": Entry(lambda: nm.LateralInhibition(units=5)),
    "Hopfield": Entry(
        lambda: nm.Hopfield(slots=8, features=6, beta=2.0, eta=0.1), prepare=_with_patterns
    ),
    "Hopfield contrastive": Entry(
        lambda: nm.Hopfield(
            slots=8,
            features=6,
            optimizer=optax.sgd(1e-2, momentum=0.9),
            rule=nm.plasticity.Contrastive(steps=2, winners=2),
            similarity="euclidean",
            weight_decay=1e-3,
        ),
        prepare=_with_patterns,
    ),
    "Hopfield noisy": Entry(
        lambda: nm.Hopfield(
            slots=8,
            features=6,
            eta=0.1,
            rule=nm.plasticity.Noisy(rule=nm.plasticity.Perturbation()),
            initial="random",
            p_conn=0.7,
            scale=0.8,
            novelty=0.5,
        ),
    ),
    "Episodic": Entry(
        lambda: nm.Episodic(
            slots=8,
            keys={"place": 3, "time": 2},
            beta=2.0,
            field_weights={"place": 1.0, "time": 0.5},
            similarity="dot",
            adaptive_gain=nm.retrieval.ContrastGain(),
            when_full="weakest",
            duplicates="average",
            duplicate_threshold=1.0,
            decay=0.1,
            rehearsal=0.2,
        ),
        prepare=_with_fields,
    ),
    "Episodic random": Entry(
        lambda: nm.Episodic(
            slots=4,
            keys=6,
            values=3,
            sample=True,
            when_full="random",
            storage_probability=0.5,
            write_noise=0.1,
        ),
        prepare=_with_values,
        no_gradient="what is retrieved is a draw",
    ),
    "BernoulliError": Entry(lambda: nm.BernoulliError(units=5)),
    "GaussianError": Entry(lambda: nm.GaussianError(units=5, variance=0.5)),
    "LaplacianError": Entry(lambda: nm.LaplacianError(units=5, scale=0.5)),
    "TotalEnergy": Entry(lambda: nm.TotalEnergy()),
    "Value": Entry(lambda: nm.Value(units=5)),
    "Scaffold": Entry(
        lambda: nm.Scaffold(
            features=6, modules=(2, 3), hidden=12, rule=nm.plasticity.WidrowHoff(eta=0.5)
        ),
        prepare=_with_signs,
        drive={"place": None, "velocity": 0.0},
        no_gradient="places are whole numbers",
    ),
    "Scaffold rectified": Entry(
        lambda: nm.Scaffold(
            features=6,
            modules=((2, 2), (3, 3)),
            hidden=8,
            code="rectified",
            content="linear",
            rule=nm.plasticity.WidrowHoff(),
        ),
        prepare=_with_signs,
        drive={"place": None},
        no_gradient="places are whole numbers",
    ),
    "RingAttractor": Entry(lambda: nm.RingAttractor(units=12, sigma=0.1)),
    "LegendreMemory": Entry(
        lambda: nm.LegendreMemory(inputs=2, order=4, theta=5.0, delays=(0.0, 1.0))
    ),
    "LegendreHistory": Entry(lambda: nm.LegendreHistory(inputs=2, order=4)),
    "EnergyNeurons": Entry(lambda: nm.EnergyNeurons(units=5), prepare=_begun, drive={"held": None}),
    "EnergyNeurons softmax": Entry(
        lambda: nm.EnergyNeurons(
            units=6, lagrangian=nm.cells.SoftmaxLagrangian(beta=2.0, groups=2)
        ),
        prepare=_begun,
        drive={"held": None},
    ),
    "HyperSynapse": Entry(lambda: nm.HyperSynapse(layers={"a": 5, "b": 3}, eta=0.1)),
    "HyperSynapse attention": Entry(
        lambda: nm.HyperSynapse(
            layers={"a": 6},
            interaction=nm.synapses.AttentionInteraction(tokens=3, heads=2, width=2),
        )
    ),
    "Reservoir": Entry(lambda: nm.Reservoir(inputs=3, units=5, tau=2.0)),
    "Reservoir gaussian": Entry(
        lambda: nm.Reservoir(inputs=3, units=5, topology="gaussian", bias_scale=0.1)
    ),
    "Feedback": Entry(
        lambda: nm.Feedback(inputs=5, outputs=3),
        prepare=lambda component, state: state.set({"weights": LENT}),
    ),
    "Predictive": Entry(lambda: nm.Predictive(inputs=5, outputs=3, eta=0.1)),
    "PredictiveCodingRNN": Entry(
        lambda: nm.PredictiveCodingRNN(outputs=2, states=5, causes=2, n_patterns=3, eta=0.1)
    ),
    "GenerativePC": Entry(
        lambda: nm.GenerativePC(features=6, hidden=(5, 3), settle_steps=5, store_steps=20, eta=0.1),
        prepare=_with_patterns,
    ),
    "BayesPCN": Entry(
        lambda: nm.BayesPCN(features=6, hidden=(5,), noise=0.1, decay=0.1, settle_steps=3),
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
    "InWeight": Entry(
        lambda: nm.InWeight(
            vocabulary=4,
            outputs=3,
            hidden=(5,),
            memory=(2,),
            embedding=4,
            optimizer=optax.sgd(1e-2, momentum=0.9),
        )
    ),
    "FastWeights": Entry(lambda: nm.FastWeights(features=5, values=3)),
    "FastWeights Titans": Entry(
        lambda: nm.FastWeights(
            features=5,
            values=3,
            regressor=nm.memories.MLPRegressor(hidden=4),
            update=nm.memories.MomentumUpdate(),
            eta=0.1,
        )
    ),
    "FastWeights least squares": Entry(
        lambda: nm.FastWeights(features=5, values=3, update=nm.memories.LeastSquaresUpdate()),
        drive={"decay": 0.2},
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
    "LinearAssociative": Entry(
        lambda: nm.LinearAssociative(
            inputs=5, outputs=3, rule=nm.plasticity.PseudoInverse(ridge=1.0)
        )
    ),
    "LinearAssociative softmax": Entry(
        lambda: nm.LinearAssociative(
            inputs=6, outputs=6, rule=nm.plasticity.WidrowHoff(eta=0.5), readout="softmax", slots=8
        ),
        prepare=_with_patterns,
    ),
    "ClassicalHopfield": Entry(
        lambda: nm.ClassicalHopfield(features=6),
        prepare=_with_signs,
        no_gradient="units are signs",
        outputs=("outputs",),
    ),
    "DenseAssociative": Entry(
        lambda: nm.DenseAssociative(slots=8, features=6),
        prepare=_with_signs,
        no_gradient="units are signs",
    ),
    "BidirectionalAssociative": Entry(
        lambda: nm.BidirectionalAssociative(first=6, second=4),
        prepare=_with_pairs,
        no_gradient="units are signs",
    ),
    "Willshaw": Entry(
        lambda: nm.Willshaw(inputs=6, outputs=6),
        prepare=_with_bits,
        no_gradient="bits",
    ),
    "SparseDistributed": Entry(
        lambda: nm.SparseDistributed(inputs=6, outputs=6, locations=40, radius=1, active_limit=20),
        prepare=_with_signs,
        no_gradient="bits",
    ),
    "Minerva2": Entry(lambda: nm.Minerva2(slots=8, features=6), prepare=_with_signs),
    "SequenceHopfield": Entry(
        lambda: nm.SequenceHopfield(slots=8, features=6, exponent=2),
        prepare=_with_signs,
        no_gradient="units are signs",
    ),
}
