"""Every quantity that relaxes exponentially, against its closed form in float64.

tau / dt runs over eight to ten decades. In single precision exp(-dt / tau) is 1 from 1e8 on, and
v + small is v from 1e7 on: the slow ends of these tests fail for a plain `v * exp(-dt / tau)`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

BEGIN, TARGET = 0.875, 0.25  # in units of the full scale; BEGIN is a float32
RATIOS = [1e-2, 0.3, 1.0, 30.0, 1e3, 1e4, 1e5, 3e5, 1e6]
SLOW = [1e7, 1e8]
MOST, EVERY = 100_000, 20
DT = 0.1  # ms
BASE, SCALE = -65.0, 10.0  # of a membrane: mV


Build = Callable[[jax.Array], tuple[nm.Component, str, dict[str, float]]]


def _synapse(kind: type, name: str, tau: str) -> Build:
    return lambda taus: (kind(inputs=1, outputs=len(taus), **{tau: taus}), name, {name: BEGIN})


def _membrane(kind: type) -> Build:
    def build(taus: jax.Array) -> tuple[nm.Component, str, dict[str, float]]:
        cell = kind(units=len(taus), tau=taus, v_rest=BASE, v_threshold=1e3)
        return cell, "v", {"v": BASE + SCALE * BEGIN, "current": SCALE * TARGET}

    return build


def _cell(
    kind: type, name: str, tau: str = "tau", start: dict | None = None, **options: Any
) -> Build:
    begin = {name: BEGIN} | (start or {})
    return lambda taus: (kind(units=len(taus), **{tau: taus}, **options), name, begin)


# How it is built for time constants, and where it goes from BEGIN.
QUANTITIES: dict[str, tuple[Build, float]] = {
    "LIF.v": (_membrane(nm.LIF), TARGET),
    "ConductanceLIF.v": (_membrane(nm.ConductanceLIF), TARGET),
    "CubaLIF.v": (_membrane(nm.CubaLIF), TARGET),
    "CubaLIF.synaptic": (_cell(nm.CubaLIF, "synaptic", "tau_synapse"), 0.0),
    "Conductance.conductance": (_cell(nm.Conductance, "conductance"), 0.0),
    "Conductance.rising": (
        _cell(nm.Conductance, "rising", "tau_rise", course="double_exponential"),
        0.0,
    ),
    "AdaptiveLIF.v": (_membrane(nm.AdaptiveLIF), TARGET),
    "WinnerTakeAll.v": (_membrane(nm.WinnerTakeAll), TARGET),
    "AdaptiveLIF.adaptation": (_cell(nm.AdaptiveLIF, "adaptation", "tau_adaptation"), 0.0),
    "AdaptiveLIF.homeostasis": (_cell(nm.AdaptiveLIF, "homeostasis", "tau_homeostasis"), 0.0),
    "BCM.threshold": (
        lambda taus: (
            nm.BCM(inputs=1, outputs=len(taus), tau_threshold=taus),
            "threshold",
            {"threshold": BEGIN, "post": TARGET**0.5},
        ),
        TARGET,
    ),
    "RateCell.z": (_cell(nm.RateCell, "z", start={"inputs": TARGET}), TARGET),
    "Reservoir.outputs": (
        lambda taus: (
            nm.Reservoir(
                inputs=1,
                units=len(taus),
                tau=taus,
                spectral_radius=0.0,
                activation=nm.cells.linear,
            ),
            "outputs",
            {"outputs": BEGIN, "inputs": 1.0, "input_weights": TARGET},
        ),
        TARGET,
    ),
    "OrnsteinUhlenbeck.outputs": (
        _cell(nm.OrnsteinUhlenbeck, "outputs", start={"inputs": TARGET}, sigma=0.0),
        TARGET,
    ),
    "Trace.trace": (_cell(nm.Trace, "trace"), 0.0),
    "Trace.trace nearest": (_cell(nm.Trace, "trace", pairing="nearest"), 0.0),
    "Eligibility.eligibility": (_synapse(nm.Eligibility, "eligibility", "tau"), 0.0),
    "ExponentialSynapse.conductance": (
        _synapse(nm.ExponentialSynapse, "conductance", "tau"),
        0.0,
    ),
    "DoubleExponentialSynapse.rising": (
        _synapse(nm.DoubleExponentialSynapse, "rising", "tau_rise"),
        0.0,
    ),
    "TsodyksMarkram.release": (
        lambda taus: (
            nm.TsodyksMarkram(inputs=len(taus), outputs=1, tau_facilitation=taus),
            "release",
            {"release": BEGIN},
        ),
        0.0,
    ),
    "TsodyksMarkram.resources": (
        lambda taus: (
            nm.TsodyksMarkram(inputs=len(taus), outputs=1, tau_depression=taus),
            "resources",
            {"resources": BEGIN},
        ),
        1.0,
    ),
}
VERY_SLOW = {"AdaptiveLIF.adaptation", "AdaptiveLIF.homeostasis", "BCM.threshold"}
CASES = [pytest.param(name, marks=pytest.mark.xdist_group(f"leaky {name}")) for name in QUANTITIES]


@pytest.mark.parametrize("name", CASES)
def test_relaxation_follows_the_closed_form(name: str) -> None:
    """All ratios in one run, a unit for each, over min(1e5, 10 tau / dt) steps."""
    build, target = QUANTITIES[name]
    ratios = np.array(RATIOS + SLOW * (name in VERY_SLOW))
    component, path, start = build(jnp.asarray(DT * ratios, jnp.float32))
    state = nm.init(component, jax.random.key(0))
    state = state.set({k: jnp.full(state[k].shape, v, state[k].dtype) for k, v in start.items()})
    learned = name in ("AdaptiveLIF.homeostasis", "BCM.threshold")
    _, seen = nm.run(
        component, state, steps=MOST, dt=DT, record=path, record_every=EVERY, learn=learned
    )
    ends = np.arange(1, MOST // EVERY + 1) * EVERY - learned  # recorded before `evolve`
    found = np.asarray(seen[path], np.float64).reshape(len(ends), len(ratios))
    begin = np.asarray(state[path], np.float64).reshape(len(ratios))
    if name.endswith(".v"):
        found, begin = (found - BASE) / SCALE, (begin - BASE) / SCALE
    expected = target + (begin - target) * np.exp(-ends[:, None] / ratios)
    within = ends[:, None] <= np.maximum(10 * ratios, EVERY)
    error = np.where(within, np.abs(found - expected), 0.0).max(0)
    assert (error < 3e-4).all(), dict(zip(ratios, error, strict=True))
    slow = ratios > 1e4  # an error of 3e-4 is not that of standing still
    moved = np.abs(found[-1] - begin) / np.abs(expected[-1] - begin)
    assert (moved[slow] > 0.7).all() and (moved[slow] < 1.3).all(), moved


def test_a_value_descends_at_its_pace() -> None:
    """tau dv/dt = target - v by Euler steps of 1e-6 for 1e5 steps, from far away of zero."""
    cell = nm.Value(units=1, tau=1e6)
    state = nm.init(cell, jax.random.key(0)).set({"value": [[BASE]], "drive": [[SCALE]]})
    state, _ = nm.run(cell, state, steps=MOST)
    np.testing.assert_allclose(state.value, BASE + SCALE * 0.1, atol=3e-4 * SCALE)
    held = state.set({"free": [[0.0]], "value": [[1e-3]]})
    moved, _ = nm.run(cell, held, steps=5)
    np.testing.assert_array_equal(moved.value, held.value)


def test_every_leaky_component_is_in_the_table() -> None:
    """A component with a time constant either stands in the table or says here why it does not."""
    others = {
        "Value.tau": "a descent, tested above",
        "Latency.tau": "of a closed form, not of a state",
        "RingAttractor.tau": "Euler steps with dt << tau; its laws in tests/cells",
        "EnergyNeurons.tau": "an Euler descent, tested in tests/synapses/test_energy_network.py",
        "AdEx.tau_w": "integrated by Runge-Kutta with dt << tau",
        "InhibitorySTDP.tau": "of its traces",
        "BennaFusi.tau": "of a chain, tested in tests/synapses/test_complex_synapses.py",
        "PredictiveCodingRNN.tau": "a discrete recurrent network: dt / tau is its gain",
    }
    have = {
        f"{owner.__name__}.{name}"
        for owner in vars(nm).values()
        if isinstance(owner, type) and issubclass(owner, nm.Component)
        for name in owner.leaf_names
        if name == "tau" or name.startswith("tau_")
    }
    kinds = {name.partition(".")[0] for name in QUANTITIES}
    assert {path for path in have if path.partition(".")[0] not in kinds} <= others.keys()
    counted = {
        "LIF": 1, "AdaptiveLIF": 3, "WinnerTakeAll": 1, "BCM": 1, "RateCell": 1, "Trace": 1,
        "OrnsteinUhlenbeck": 1, "Eligibility": 1, "ExponentialSynapse": 1, "TsodyksMarkram": 2,
        "DoubleExponentialSynapse": 2, "Reservoir": 1,
        "ConductanceLIF": 1, "CubaLIF": 2, "Conductance": 2,
    }  # fmt: skip
    for kind in kinds:
        assert sum(path.startswith(f"{kind}.") for path in have) == counted[kind], kind
