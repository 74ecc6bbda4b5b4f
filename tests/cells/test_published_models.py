"""AdEx, Izhikevich and Hodgkin-Huxley against float64 solutions by SciPy, and measured orders."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import ngcmem as nm
from ngcmem.cells import IZHIKEVICH_PATTERNS


def adex(t, y, current=800.0):
    v, w = y
    leak = -30.0 * (v + 70.6) + 30.0 * 2.0 * np.exp((min(v, -10.0) + 50.4) / 2.0)
    return [(leak - w + current) / 281.0, (4.0 * (v + 70.6) - w) / 144.0]


def izhikevich(t, y, current=10.0, a=0.02, b=0.2):
    v, u = y
    return [0.04 * v**2 + 5 * v + 140 - u + current, a * (b * v - u)]


def hodgkin_huxley(t, y, current=10.0):
    v, n, m, h = y
    an = 0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10))
    am = 0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10))
    bn, bm = 0.125 * np.exp(-(v + 65) / 80), 4 * np.exp(-(v + 65) / 18)
    ah, bh = 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))
    ionic = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)
    return [current - ionic, an * (1 - n) - bn * n, am * (1 - m) - bm * m, ah * (1 - h) - bh * h]


def test_adex_spike_times(reference):
    expected = reference.solve_spiking(
        adex, [-70.6, 0.0], -20.0, lambda y: [-70.6, y[1] + 80.5], 400.0
    )
    cell = nm.AdEx(units=1, v_peak=-20.0)
    seen = reference.simulate(cell, 800.0, 20000, 0.02, ("spikes",))
    times = reference.spike_times(seen["spikes"], 0.02)
    assert len(times) == len(expected) > 5
    assert np.diff(times)[0] < 0.7 * np.diff(times)[-1]  # spike-frequency adaptation
    # a spike falls at the end of its step: half a step late per spike, which accumulates
    np.testing.assert_allclose(times, expected, atol=0.02 * (len(times) + 1))


@pytest.mark.parametrize("pattern", IZHIKEVICH_PATTERNS)
def test_izhikevich_spike_times(reference, pattern):
    values = dict(IZHIKEVICH_PATTERNS[pattern])
    a, b, c, d = (values[name] for name in "abcd")
    expected = reference.solve_spiking(
        lambda t, y: izhikevich(t, y, 10.0, a, b),
        [-65.0, b * -65.0],
        30.0,
        lambda y: [c, y[1] + d],
        200.0,
    )
    seen = reference.simulate(nm.Izhikevich(units=1, **values), 10.0, 10000, 0.02, ("spikes",))
    times = reference.spike_times(seen["spikes"], 0.02)
    assert abs(len(times) - len(expected)) <= 1
    # each reset is late by up to a step, and v moves by up to 300 mV / ms at the peak: the phase
    # error grows with the number of spikes; 1 % of the time so far bounds it
    shared = min(len(times), len(expected))
    np.testing.assert_allclose(times[:shared], expected[:shared], atol=0.1, rtol=0.01)


def test_izhikevich_published_patterns(reference):
    """Figure 2 of Izhikevich (2003): what the names mean, at a step of half a millisecond."""

    def intervals(pattern):
        cell = nm.Izhikevich(units=1, **IZHIKEVICH_PATTERNS[pattern])
        spikes = reference.simulate(cell, 10.0, 2000, 0.5, ("spikes",))["spikes"]
        return np.diff(reference.spike_times(spikes, 0.5))

    regular = intervals("regular_spiking")
    assert regular[0] < regular[-1]  # adapts, then is regular
    assert regular[5:].std() < 0.05 * regular[5:].mean()
    bursting = intervals("intrinsically_bursting")
    assert bursting[0] < 0.3 * bursting[5:].mean()  # a burst first, single spikes after
    assert bursting[5:].std() < 0.05 * bursting[5:].mean()
    chattering = intervals("chattering")
    assert chattering.min() < 4.0 and chattering.max() > 25.0  # bursts of bursts, for ever
    assert np.sum(chattering[len(chattering) // 2 :] > 25.0) >= 5
    fast = intervals("fast_spiking")
    assert fast[5:].mean() < 0.4 * regular[5:].mean()
    assert fast[3:].std() < 0.05 * fast[3:].mean()  # at its steady rate within four spikes


def test_hodgkin_huxley_refuses_a_step_it_cannot_integrate():
    cell = nm.HodgkinHuxley(units=1)
    state = nm.init(cell, jax.random.key(0))
    stable = r"HodgkinHuxley takes at most 0\.05 ms\. Write dt=0\.05"
    with pytest.raises(ValueError, match=stable):
        nm.advance_state(cell, state)
    circuit = nm.connect({"lif": nm.LIF(units=1), "axon": cell}, [])
    with pytest.raises(ValueError, match=r"'axon': HodgkinHuxley takes at most 0\.05 ms"):
        nm.run(circuit, nm.init(circuit, jax.random.key(0)), steps=3)


def test_hodgkin_huxley_trajectory_spikes_and_rest(reference):
    with jax.enable_x64(True):
        cell = nm.HodgkinHuxley(units=1)
        start = nm.init(cell, jax.random.key(0))
        y0 = [float(start[name][0, 0]) for name in ("v", "n", "m", "h")]
        seen = reference.simulate(cell, 10.0, 5000, 0.01, ("v", "n", "m", "h", "spikes"))
    t = 0.01 * np.arange(1, 5001)
    found = solve_ivp(hodgkin_huxley, (0, 50), y0, t_eval=t, rtol=1e-10, atol=1e-10, method="LSODA")
    for i, name in enumerate(("v", "n", "m", "h")):
        np.testing.assert_allclose(seen[name], found.y[i], atol=2e-3 if i == 0 else 1e-5)
    rising = np.sum((found.y[0][1:] >= 0) & (found.y[0][:-1] < 0))
    assert seen["spikes"].sum() == rising == 4
    resting = reference.simulate(cell, 0.0, 4000, 0.05, ("v", "spikes"))
    assert resting["spikes"].sum() == 0 and abs(resting["v"][-1] + 65.0) < 0.05


def test_hodgkin_huxley_rates_and_gradients_at_their_removable_poles():
    from ngcmem.cells.hodgkin_huxley import gate_rates

    for v, gate, limit in ((-55.0, 0, 0.1), (-40.0, 1, 1.0)):
        alpha = lambda v, gate=gate: gate_rates(v)[gate][0]  # noqa: E731
        np.testing.assert_allclose(alpha(v), limit, rtol=1e-6)
        np.testing.assert_allclose(jax.grad(alpha)(v), limit / 20.0, rtol=1e-3)


@pytest.mark.parametrize("scheme, expected", [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_order_of_convergence(reference, scheme, expected):
    """Between spikes, in float64: halving the step divides the error by 2^order."""
    cases = [
        (nm.AdEx(units=1, integration=scheme), 500.0, adex, ("v", "w"), 0.5),
        (nm.HodgkinHuxley(units=1, integration=scheme), 10.0, hodgkin_huxley, ("v", *"nmh"), 0.04),
        (nm.Izhikevich(units=1, integration=scheme), 4.0, izhikevich, ("v", "u"), 0.25),
    ]
    for cell, current, derivative, names, coarse in cases:
        errors = []
        with jax.enable_x64(True):
            state = nm.init(cell, jax.random.key(0))
            state = state.replace(current=np.full((1, 1), current))
            start = [float(state[name][0, 0]) for name in names]
            for halvings in range(3):
                moved, dt = state, coarse / 2**halvings
                for _ in range(16 * 2**halvings):
                    moved = nm.advance_state(cell, moved, dt=dt)
                errors.append(float(moved.v[0, 0]))
        exact = solve_ivp(
            derivative,
            (0, 16 * coarse),
            start,
            args=(current,),
            rtol=1e-12,
            atol=1e-12,
            method="DOP853",
        )
        np.testing.assert_allclose(
            reference.order(np.abs(np.asarray(errors) - exact.y[0, -1]))[-1],
            expected,
            atol=0.25,
            err_msg=type(cell).__name__,
        )
