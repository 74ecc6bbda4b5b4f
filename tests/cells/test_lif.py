"""LIF and AdaptiveLIF against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
def test_membrane_response_is_exact_for_any_step(reference, dt):
    cell = nm.LIF(units=1, tau=20.0, resistance=2.0)
    steps = int(60 / dt)
    v = reference.simulate(cell, 5.0, steps, dt, ("v",))["v"]
    t = dt * np.arange(1, steps + 1)
    np.testing.assert_allclose(v, -65.0 + 10.0 * (1.0 - np.exp(-t / 20.0)), atol=2e-4)


@pytest.mark.parametrize("cell, name", [(nm.LIF, "v"), (nm.RateCell, "z")])
def test_euler_converges_with_order_one(reference, cell, name):
    cell = cell(units=1, tau=20.0, integration="euler")
    rest = -65.0 if name == "v" else 0.0
    errors = []
    with jax.enable_x64(True):
        for dt in (0.5, 0.25, 0.125):
            seen = reference.simulate(cell, 10.0, int(30 / dt), dt, (name,))[name]
            errors.append(abs(seen[-1] - (rest + 10.0 - 10.0 * np.exp(-30 / 20))))
    np.testing.assert_allclose(reference.order(errors), 1.0, atol=0.05)


@pytest.mark.parametrize("rest", [0.0, 5.0])
def test_intervals_follow_the_f_i_curve(reference, rest):
    """The interval is refractory_time + tau ln(...), rounded up to whole steps, for any current."""
    dt, tau = 0.5, 20.0
    for current in (13.5, 15.0, 20.0, 40.0):
        cell = nm.LIF(units=1, tau=tau, refractory_time=rest)
        spikes = reference.simulate(cell, current, 800, dt, ("spikes",))["spikes"]
        to_threshold = tau * np.log(current / (current - 13.0))
        expected = rest + np.ceil(to_threshold / dt) * dt
        intervals = np.diff(reference.spike_times(spikes, dt))
        assert len(intervals) > 2
        np.testing.assert_allclose(intervals, expected)


def test_below_threshold_never_fires_and_rate_never_exceeds_the_refractory_limit(reference):
    assert reference.simulate(nm.LIF(units=1), 12.99, 2000, 1.0, ("spikes",))["spikes"].sum() == 0
    spikes = reference.simulate(nm.LIF(units=1), 1e6, 600, 1.0, ("spikes",))["spikes"]
    np.testing.assert_array_equal(np.diff(np.flatnonzero(spikes)), 6)  # 5 ms of rest and one step


def test_spike_has_a_surrogate_gradient_and_the_reset_none():
    cell = nm.LIF(units=1, surrogate="triangle", surrogate_width=4.0)
    state = nm.init(cell, jax.random.key(0))

    def fired(v):
        moved = nm.advance_state(cell, state.replace(v=jnp.full((1, 1), v)))
        return moved.spikes.sum()

    decay = np.exp(-1 / 20)
    before = (-53.0 + 65.0) / decay - 65.0  # v is -53 when the threshold is tested
    expected = decay * (1 - 1 / 4) / 4
    np.testing.assert_allclose(jax.grad(fired)(before), expected, rtol=1e-4)
    assert jax.grad(fired)(-65.0) == 0.0


def test_adaptation_settles_where_decay_equals_increment(reference):
    cell = nm.AdaptiveLIF(units=1, tau_adaptation=100.0, adaptation_increment=2.0)
    seen = reference.simulate(cell, 40.0, 3000, 0.5, ("spikes", "adaptation", "v"))
    times = np.flatnonzero(seen["spikes"])
    assert np.diff(times)[0] < np.diff(times)[-1]  # the rate adapts
    interval = 0.5 * np.diff(times)[-20:].mean()
    peak = seen["adaptation"][times[-20:]].mean()
    np.testing.assert_allclose(peak, 2.0 / (1.0 - np.exp(-interval / 100.0)), rtol=5e-3)


def test_homeostasis_is_learned_shared_and_kept_by_reset():
    cell = nm.AdaptiveLIF(
        units=3, adaptation_increment=0.0, homeostasis_increment=0.5, tau_homeostasis=1e3
    )
    state = nm.init(cell, jax.random.key(0), batch=4)
    current = jnp.zeros((4, 3)).at[:2, 0].set(1e4)  # unit 0 fires in half of the examples
    state, seen = nm.run(
        cell, state, steps=12, clamp={"current": current}, record="spikes", learn=True
    )
    expected = 0.0
    for spikes in np.asarray(seen["spikes"], np.float64).mean(1):
        expected = expected * np.exp(-1e-3) + 0.5 * spikes
    np.testing.assert_allclose(state.homeostasis, expected, rtol=1e-5)
    assert state.homeostasis[0] == pytest.approx(0.25 * 2, rel=0.02)
    np.testing.assert_array_equal(nm.reset(cell, state).homeostasis, state.homeostasis)
    assert not nm.reset(cell, state).adaptation.any()


def test_no_increment_is_the_plain_cell(reference):
    plain = reference.simulate(nm.LIF(units=1), 30.0, 200, 1.0, ("spikes", "v"))
    same = reference.simulate(
        nm.AdaptiveLIF(units=1, adaptation_increment=0.0), 30.0, 200, 1.0, ("spikes", "v")
    )
    np.testing.assert_array_equal(plain["spikes"], same["spikes"])
    np.testing.assert_array_equal(plain["v"], same["v"])


@pytest.mark.parametrize("cell", [nm.LIF, nm.AdaptiveLIF, nm.WinnerTakeAll])
def test_unknown_choices_name_what_there_is(cell):
    with pytest.raises(ValueError, match=r"integration is one of 'exact', 'euler', got 'rk4'"):
        cell(units=2, integration="rk4")
    with pytest.raises(ValueError, match=r"got 'arctn'\. Did you mean 'arctan'\?"):
        cell(units=2, surrogate="arctn")


@pytest.mark.parametrize(
    "cell", [nm.LIF, nm.AdEx, nm.Izhikevich, nm.RateCell, nm.Poisson, nm.Trace, nm.Latency]
)
def test_hyperparameters_are_one_value_or_one_per_unit(cell):
    name = "tau" if hasattr(cell(units=3), "tau") else cell(units=3).leaf_names[0]
    fits = cell(units=3, **{name: jnp.array([10.0, 20.0, 30.0])})
    nm.advance_state(fits, nm.init(fits, jax.random.key(0), batch=2))
    with pytest.raises(ValueError, match=rf"{cell.__name__}: {name} has shape \(4,\); give one"):
        nm.init(cell(units=3, **{name: jnp.ones(4)}), jax.random.key(0))
