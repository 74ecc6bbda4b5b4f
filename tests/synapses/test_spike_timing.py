"""The STDP family against its published curves and a float64 loop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm
from ngcmem import wire

FREE = dict(bounds="none", weight_init=jax.nn.initializers.constant(0.5))


def watched(synapse, taus, pairing="all_to_all"):
    """The synapse with its traces; spikes of both sides are driven from outside, as in vitro."""
    pre_units, post_units = synapse.inputs, synapse.outputs
    parts = dict(
        before=nm.RateCell(units=pre_units, tau=1e-6),
        after=nm.RateCell(units=post_units, tau=1e-6),
        pre=nm.Trace(units=pre_units, tau=taus[0], pairing=pairing),
        post=nm.Trace(units=post_units, tau=taus[1], pairing=pairing),
        synapse=synapse,
    )
    wires = [
        wire("before.outputs", to="synapse.inputs"),
        wire("after.outputs", to="synapse.post"),
        wire("before.outputs", to="pre.inputs"),
        wire("after.outputs", to="post.inputs"),
        wire("pre.trace", to="synapse.pre_trace"),
        wire("post.trace", to="synapse.post_trace"),
    ]
    if len(taus) == 4:
        parts |= dict(
            pre_slow=nm.Trace(units=pre_units, tau=taus[2]),
            post_slow=nm.Trace(units=post_units, tau=taus[3]),
        )
        wires += [
            wire("before.outputs", to="pre_slow.inputs"),
            wire("after.outputs", to="post_slow.inputs"),
            wire("pre_slow.trace", to="synapse.pre_slow"),
            wire("post_slow.trace", to="synapse.post_slow"),
        ]
    return nm.connect(parts, wires)


def learned(circuit, pre, post, dt=1.0):
    """The weights after spike trains pre (steps, batch, inputs) and post."""
    state = nm.init(circuit, jax.random.key(0), batch=pre.shape[1])
    drive = {"before.inputs": jnp.asarray(pre, jnp.float32), "after.inputs": jnp.asarray(post)}
    final, _ = nm.run(circuit, state, steps=len(pre), dt=dt, inputs=drive, learn=True)
    return np.asarray(final["synapse.weights"])


def test_window_of_spike_pairs_is_the_published_exponential():
    """Pairs at -50..50 ms, one pair per input unit and one output unit, in one run."""
    lags = np.arange(-50, 51)
    synapse = nm.STDP(inputs=101, outputs=1, eta=0.1, a_plus=1.0, a_minus=0.8, **FREE)
    pre, post = np.zeros((120, 1, 101)), np.zeros((120, 1, 1), np.float32)
    post[60] = 1.0
    for i, lag in enumerate(lags):
        pre[60 - lag, 0, i] = 1.0
    change = learned(watched(synapse, (17.0, 34.0)), pre, post)[:, 0] - 0.5
    expected = np.where(lags > 0, np.exp(-lags / 17.0), -0.8 * np.exp(lags / 34.0))
    expected[lags == 0] = 1.0 - 0.8
    np.testing.assert_allclose(change, 0.1 * expected, atol=1e-6)


@pytest.mark.parametrize("pairing", ["all_to_all", "nearest"])
@pytest.mark.parametrize("kind", ["STDP", "InhibitorySTDP"])
def test_pair_rules_equal_a_float64_loop_over_spike_pairs(kind, pairing):
    rng = np.random.default_rng(0)
    pre, post = rng.random((80, 3, 4)) < 0.15, rng.random((80, 3, 2)) < 0.15
    taus = (20.0, 20.0) if kind == "InhibitorySTDP" else (15.0, 30.0)
    synapse = getattr(nm, kind)(inputs=4, outputs=2, eta=0.01, **FREE)
    circuit = watched(synapse, taus, pairing)
    found = learned(circuit, pre.astype(np.float32), post.astype(np.float32))

    expected = np.full((4, 2), 0.5)
    for b in range(3):
        for i in range(4):
            for j in range(2):
                ti, tj = np.flatnonzero(pre[:, b, i]), np.flatnonzero(post[:, b, j])
                grow = shrink = 0.0
                for t in tj:
                    past = ti[ti <= t][-1:] if pairing == "nearest" else ti[ti <= t]
                    grow += np.exp(-(t - past) / taus[0]).sum()
                for t in ti:
                    past = tj[tj <= t][-1:] if pairing == "nearest" else tj[tj <= t]
                    shrink += np.exp(-(t - past) / taus[1]).sum()
                if kind == "STDP":
                    total = grow - 1.05 * shrink
                else:
                    total = grow + shrink - len(ti) * 2 * 5.0 * 20.0 / 1000.0
                expected[i, j] += 0.01 * total / 3
    np.testing.assert_allclose(found, expected, atol=3e-6)


def pairings(pairs, hz, lag):
    """Times of so many pairs of spikes at a frequency, ms, the second `lag` after the first."""
    pre = 20 + np.round(1000 / hz * np.arange(pairs)).astype(int)
    return pre, pre + lag


def triplet_sum(pre, post):
    """The minimal triplet model over spike times in float64, with the parameters of table 3."""
    total = 0.0
    for t in post:
        r1 = np.exp(-(t - pre[pre <= t]) / 16.8).sum()
        total += 6.5e-3 * r1 * np.exp(-(t - post[post < t]) / 114.0).sum()
    for t in pre:
        total -= 7.1e-3 * np.exp(-(t - post[post <= t]) / 33.7).sum()
    return total


def test_triplet_rule_equals_a_float64_loop_and_depends_on_frequency():
    """60 pairs at 0.1 to 50 Hz, 10 ms apart: Pfister and Gerstner (2006), tables 1 and 3.

    The data are those of Sjostrom, Turrigiano and Nelson (2001), mean and standard error; checked
    against sPyNNaker (examples/stdp_triplet.py), which lists the same ten points and parameters.
    """
    data = {  # lag, Hz: relative change of weight, standard error
        (10, 0.1): (-0.04, 0.05), (10, 10): (0.14, 0.10), (10, 20): (0.29, 0.14),
        (10, 40): (0.53, 0.11), (10, 50): (0.56, 0.26),
        (-10, 0.1): (-0.29, 0.08), (-10, 10): (-0.41, 0.11), (-10, 20): (-0.34, 0.10),
        (-10, 40): (0.56, 0.32), (-10, 50): (0.75, 0.19),
    }  # fmt: skip
    fast = [key for key in data if key[1] > 1]
    pre, post = np.zeros((2, 6000, 1, 8), np.float32)  # input i is paired with output i
    for row, (lag, hz) in enumerate(fast):
        times = pairings(60, hz, lag)
        pre[times[0], 0, row], post[times[1], 0, row] = 1.0, 1.0
    circuit = watched(nm.TripletSTDP(inputs=8, outputs=8, **FREE), (16.8, 33.7, 101.0, 114.0))
    found = np.diag(learned(circuit, pre, post)) - 0.5
    model = {(lag, hz): triplet_sum(*pairings(60, hz, lag)) for lag, hz in data}
    np.testing.assert_allclose(found, [model[key] for key in fast], atol=1e-4)
    distances = [abs(model[key] - mean) / error for key, (mean, error) in data.items()]
    assert max(distances) < 1.3  # standard errors: the fit of the paper, all ten points
    before, after = found[:4], found[4:]
    assert np.all(np.diff(before) > 0) and np.all(before > 0)
    assert after[0] < 0 < after[3]  # post before pre depresses at 10 Hz, potentiates at 50 Hz


def test_reward_comes_later_and_each_example_has_its_own():
    circuit = nm.connect(
        dict(
            eligible=nm.Eligibility(inputs=3, outputs=2, tau=50.0, a_minus=0.5),
            synapse=nm.RewardSTDP(inputs=3, outputs=2, eta=0.1, **FREE),
        ),
        wires=[wire("eligible.eligibility", to="synapse.eligibility")],
    )
    rng = np.random.default_rng(1)
    names = ("inputs", "post", "pre_trace", "post_trace")
    values = {n: rng.random((10, 2, 2 if "post" in n else 3)).astype(np.float32) for n in names}
    reward = np.zeros((10, 2), np.float32)
    reward[6], reward[9] = [1.0, -2.0], [0.5, 0.0]
    state = nm.init(circuit, jax.random.key(0), batch=2)
    drive = {f"eligible.{n}": v for n, v in values.items()} | {"synapse.reward": reward}
    final, _ = nm.run(circuit, state, steps=10, inputs=drive, learn=True)

    eligibility, weights = np.zeros((2, 3, 2)), np.full((3, 2), 0.5)
    for t in range(10):
        at = {n: v[t].astype(np.float64) for n, v in values.items()}
        eligibility = eligibility * np.exp(-1 / 50.0)
        eligibility += at["pre_trace"][:, :, None] * at["post"][:, None]
        eligibility -= 0.5 * at["inputs"][:, :, None] * at["post_trace"][:, None]
        weights += 0.1 * np.mean(reward[t][:, None, None] * eligibility, 0)
    np.testing.assert_allclose(final["synapse.weights"], weights, atol=2e-6)


def test_hard_and_soft_bounds_optimizer_and_total():
    def step(synapse, weight, **changes):
        state = nm.init(synapse, jax.random.key(0), batch=1)
        ones = {n: jnp.ones_like(state[n]) for n in ("inputs", "post", "pre_trace", "post_trace")}
        state = state.replace(weights=jnp.full_like(state.weights, weight), **ones)
        return np.asarray(nm.evolve(synapse, state).weights)

    sizes = dict(inputs=3, outputs=2)
    grows, shrinks = dict(a_plus=2.0, a_minus=0.0), dict(a_plus=0.0, a_minus=3.0)
    np.testing.assert_allclose(step(nm.STDP(**sizes, eta=0.4, **grows), 0.5), 1.0)
    np.testing.assert_allclose(step(nm.STDP(**sizes, eta=0.4, **shrinks), 0.5), 0.0)
    soft = dict(bounds="soft", weight_min=0.1, weight_max=0.9)
    np.testing.assert_allclose(step(nm.STDP(**sizes, eta=0.1, **grows, **soft), 0.6), 0.66)
    np.testing.assert_allclose(step(nm.STDP(**sizes, eta=0.1, **shrinks, **soft), 0.6), 0.45)
    free = nm.STDP(**sizes, optimizer=optax.sgd(0.5), bounds="none", **grows)
    np.testing.assert_allclose(step(free, 0.5), 1.5)
    np.testing.assert_allclose(step(nm.STDP(**sizes, total=1.5, **grows), 0.4), 0.5)
    with pytest.raises(ValueError, match=r"total=6.0 is more than inputs=3 .* Write total=3.0"):
        nm.STDP(**sizes, total=6.0)
    with pytest.raises(ValueError, match="STDP: give eta= or optimizer=, not both"):
        nm.STDP(**sizes, eta=0.1, optimizer=optax.sgd(0.1))
    with pytest.raises(ValueError, match="STDP: bounds is one of 'none', 'hard', 'soft', got 'f'"):
        nm.STDP(**sizes, bounds="f")
    assert nm.STDP(**sizes).eta == 0.01 and nm.STDP(**sizes, optimizer=optax.sgd(1.0)).eta is None


def test_inhibitory_plasticity_holds_the_target_rate():
    """Vogels et al. (2011): the same inhibition-free drive, and 8 Hz after learning."""
    circuit = nm.connect(
        dict(
            source=nm.Poisson(units=40, rate=40.0),
            synapse=nm.InhibitorySTDP(
                inputs=40, outputs=4, target_rate=8.0, eta=0.5, weight_max=100.0, scale=0.3
            ),
            drive=nm.RateCell(units=4, tau=1e-6),
            cell=nm.LIF(units=4),
            pre=nm.Trace(units=40),
            post=nm.Trace(units=4),
        ),
        wires=[
            wire("source.spikes", to="synapse.inputs"),
            wire("drive.outputs", "-synapse.outputs", to="cell.current"),
            wire("source.spikes", to="pre.inputs"),
            wire("cell.spikes", to="post.inputs"),
            wire("pre.trace", to="synapse.pre_trace"),
            wire("post.trace", to="synapse.post_trace"),
            wire("cell.spikes", to="synapse.post"),
        ],
    )
    state = nm.init(circuit, jax.random.key(0), batch=8)
    held = {"source.inputs": jnp.ones((8, 40)), "drive.inputs": jnp.full((8, 4), 22.0)}
    rates = []
    for _ in range(3):
        state, seen = nm.run(
            circuit, state, steps=2000, clamp=held, record="cell.spikes", learn=True
        )
        rates.append(1000 * np.asarray(seen["cell.spikes"]).mean((1, 2)))
    assert rates[0][:200].mean() > 35.0
    assert rates[-1].mean() == pytest.approx(8.0, rel=0.15)
