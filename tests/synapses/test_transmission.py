"""Synapses that transmit: conductances, short-term plasticity, delays, sparse, feedback."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire

ONE = jax.nn.initializers.constant(2.0)


def response(synapse, spikes, dt=1.0, **options):
    state = nm.init(synapse, jax.random.key(0), batch=spikes.shape[1])
    _, seen = nm.run(
        synapse,
        state,
        steps=len(spikes),
        dt=dt,
        inputs={"inputs": spikes},
        record=("outputs",),
        **options,
    )
    return np.asarray(seen["outputs"])


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_conductances_are_exact_for_any_step(dt):
    steps = int(30 / dt)
    spikes = np.zeros((steps, 1, 1), np.float32)
    spikes[[0, 5]] = 1.0
    t = dt * np.arange(steps)
    times = [t, np.where(t >= 5 * dt - 1e-9, t - 5 * dt, np.inf)]
    single = nm.ExponentialSynapse(inputs=1, outputs=1, tau=4.0, weight_init=ONE)
    expected = sum(2.0 * np.exp(-s / 4.0) for s in times)
    np.testing.assert_allclose(response(single, spikes, dt)[:, 0, 0], expected, rtol=2e-5)

    double = nm.DoubleExponentialSynapse(
        inputs=1, outputs=1, tau_rise=1.5, tau_decay=6.0, weight_init=ONE
    )
    top = 1.5 * 6.0 / 4.5 * np.log(4.0)
    np.testing.assert_allclose(double.time_to_peak(), top, rtol=1e-6)

    def course(s):
        return np.exp(-s / 6.0) - np.exp(-s / 1.5)

    expected = sum(2.0 * course(s) / course(top) for s in times)
    np.testing.assert_allclose(response(double, spikes, dt)[:, 0, 0], expected, atol=2e-5)


def test_driving_force_of_a_wired_membrane():
    for kind in (nm.ExponentialSynapse, nm.DoubleExponentialSynapse):
        synapse = kind(inputs=1, outputs=2, reversal=-70.0, weight_init=ONE)
        state = nm.init(synapse, jax.random.key(0)).replace(inputs=[[1.0]])
        for _ in range(3):
            state = nm.advance_state(synapse, state)
        np.testing.assert_allclose(state.outputs, state.conductance)  # v not wired: a current
        state = nm.advance_state(synapse, state.replace(v=[[-50.0, -70.0]]))
        np.testing.assert_allclose(state.outputs, state.conductance * jnp.array([-20.0, 0.0]))


@pytest.mark.parametrize("interval", [10, 50, 200])
@pytest.mark.parametrize("u, facilitation, depression", [(0.5, 20.0, 800.0), (0.05, 1000.0, 100.0)])
def test_short_term_plasticity_settles_where_the_paper_says(interval, u, facilitation, depression):
    synapse = nm.TsodyksMarkram(
        inputs=1,
        outputs=1,
        utilisation=u,
        tau_facilitation=facilitation,
        tau_depression=depression,
        weight_init=ONE,
    )
    steps = interval * 30 + 6000 // interval * interval
    spikes = np.zeros((steps, 1, 1), np.float32)
    spikes[::interval] = 1.0
    answers = response(synapse, spikes)[::interval, 0, 0] / 2.0
    release, resources = 0.0, 1.0
    for answer in answers:  # the same recursion, spike by spike, in float64
        release = release + u * (1 - release)
        assert answer == pytest.approx(release * resources, abs=2e-5)
        resources -= release * resources
        release *= np.exp(-interval / facilitation)
        resources = 1 - (1 - resources) * np.exp(-interval / depression)
    steady_u = u / (1 - (1 - u) * np.exp(-interval / facilitation))
    kept = np.exp(-interval / depression)
    steady_x = (1 - kept) / (1 - (1 - steady_u) * kept)
    assert answers[-1] == pytest.approx(steady_u * steady_x, rel=5e-3)
    facilitates = u < 0.1 and interval == 50
    assert (answers[3] > answers[0]) if facilitates else True


def test_delay_lines_each_have_their_own():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(30, 2, 4)).astype(np.float32)
    lags = np.array([0.0, 1.0, 3.0, 7.0])
    line = nm.Delay(units=4, max_steps=7, delay=jnp.asarray(lags))
    found = response(line, signal)
    fine = response(nm.Delay(units=4, max_steps=14, delay=jnp.asarray(lags)), signal, 0.5)
    for unit, lag in enumerate(lags.astype(int)):
        for steps, outputs in ((lag, found), (2 * lag, fine)):
            np.testing.assert_array_equal(outputs[steps:, :, unit], signal[: 30 - steps, :, unit])
            np.testing.assert_array_equal(outputs[:steps, :, unit], 0.0)


def test_delays_are_in_ms_at_any_dt():
    for dt in (0.1, 0.5, 1.0, 2.0):
        line = nm.Delay(units=1, max_steps=200, delay=20.0)
        signal = np.arange(1, 400, dtype=np.float32)[:, None, None]
        found = response(line, signal, dt)[:, 0, 0]
        assert np.flatnonzero(found)[0] == round(20.0 / dt)


def test_half_steps_of_a_delay_go_up():
    line = nm.Delay(units=4, max_steps=3, delay=jnp.array([0.5, 1.5, 2.5, 2.4]))
    found = response(line, np.ones((6, 1, 4), np.float32))[:, 0]
    np.testing.assert_array_equal((found == 0).sum(0), [1, 2, 3, 2])


def test_a_delay_that_cannot_be_kept_is_an_error_or_nan():
    line = nm.Delay(units=2, max_steps=7, delay=jnp.array([3.0, 7.0]))
    state = nm.init(line, jax.random.key(0))
    assert nm.advance_state(line, state, dt=1.0).in_range.all()
    too_short = (
        r"dt=0.5 ms is too short a step: .*Delay keeps too few .* max_steps 2 times as large"
    )
    with pytest.raises(ValueError, match=too_short):
        nm.advance_state(line, state, dt=0.5)
    with pytest.raises(ValueError, match=too_short):
        nm.run(line, state, steps=3, dt=0.5)
    circuit = nm.connect(
        dict(line=line, cell=nm.LIF(units=2)), [wire("line.outputs", to="cell.current")]
    )
    with pytest.raises(ValueError, match=r"dt=0.5 ms is too short a step: 'line': Delay"):
        nm.run(circuit, nm.init(circuit, jax.random.key(0)), steps=3, dt=0.5)
    after = nm.advance_state(line, state, dt=jnp.float32(0.5))  # an array: not read back
    np.testing.assert_array_equal(after.in_range, [[1.0, 0.0]])
    np.testing.assert_array_equal(np.isnan(after.outputs), [[False, True]])

    def late(delay):
        return nm.advance_state(nm.Delay(units=2, max_steps=7, delay=delay), state)

    for bad in (8.0, -1.0, jnp.nan):
        after = jax.jit(late)(bad)
        assert np.isnan(after.outputs).all() and not (after.in_range == 1).any()


def test_what_is_on_the_way_is_not_shifted_by_another_dt():
    line = nm.Delay(units=1, max_steps=8, delay=2.0)
    state = nm.init(line, jax.random.key(0)).replace(inputs=[[1.0]])
    state, _ = nm.run(line, state, steps=5, dt=1.0)
    state, seen = nm.run(line, state, steps=8, dt=0.5, record=("outputs", "in_range"))
    outputs, in_range = (np.asarray(seen[name]).ravel() for name in ("outputs", "in_range"))
    np.testing.assert_array_equal(in_range, [0.0] * 4 + [1.0] * 4)
    assert np.isnan(outputs[:4]).all() and (outputs[4:] == 1.0).all()
    fresh = nm.reset(line, state)
    _, seen = nm.run(line, fresh, steps=6, dt=1.0, record="outputs")
    np.testing.assert_array_equal(seen["outputs"].ravel(), 0.0)


def test_an_interpolated_delay_has_a_gradient():
    """A ramp delayed by d is the ramp minus d, with the derivative -1 by d."""
    signal = 3.0 * np.arange(40, dtype=np.float32)[:, None, None]

    def last(delay):
        line = nm.Delay(units=1, max_steps=9, delay=delay, interpolate=True)
        state = nm.init(line, jax.random.key(0))
        final, _ = nm.run(line, state, steps=40, dt=0.5, inputs={"inputs": signal})
        return final.outputs[0, 0]

    for delay in (0.1, 1.3, 2.0, 3.7, 4.5):
        expected = 3.0 * (39 - delay / 0.5)
        np.testing.assert_allclose(last(delay), expected, rtol=1e-5)
        np.testing.assert_allclose(jax.grad(last)(delay), -6.0, rtol=1e-4)
    with pytest.raises(ValueError, match="too short a step"):
        last(4.6)


def test_delay_equals_a_delayed_wire():
    parts = dict(
        source=nm.Poisson(units=3, rate=200.0),
        line=nm.Delay(units=3, max_steps=4, delay=4.0),
        through=nm.Trace(units=3),
        wired=nm.Trace(units=3),
    )
    circuit = nm.connect(
        parts,
        wires=[
            wire("source.spikes", to="line.inputs"),
            wire("line.outputs", to="through.inputs"),
            wire(delayed("source.spikes", steps=4), to="wired.inputs"),
        ],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    held = {"source.inputs": jnp.ones((2, 3))}
    _, seen = nm.run(circuit, state, steps=40, clamp=held, record=("through.trace", "wired.trace"))
    assert seen["through.trace"].sum() > 0
    np.testing.assert_array_equal(seen["through.trace"], seen["wired.trace"])


def test_sparse_is_the_dense_product_with_zeros():
    synapse = nm.Sparse(inputs=20, outputs=6, connections=5, scale=0.5)
    state = nm.init(synapse, jax.random.key(0), batch=3)
    sources, weights = np.asarray(state.sources), np.asarray(state.weights)
    assert all(len(set(row)) == 5 for row in sources) and len({tuple(r) for r in sources}) > 1
    full = np.zeros((20, 6))
    for j in range(6):
        full[sources[j], j] = weights[j]
    x = np.random.default_rng(0).normal(size=(3, 20))
    found = nm.advance_state(synapse, state.replace(inputs=x)).outputs
    np.testing.assert_allclose(found, 0.5 * x @ full, atol=1e-5)
    fewer = state.sources.at[:, 3:].set(-1)  # no connection
    found = nm.advance_state(synapse, state.replace(inputs=x, sources=fewer)).outputs
    kept = np.einsum("bjk,jk->bj", x[:, sources[:, :3]], weights[:, :3])
    np.testing.assert_allclose(found, 0.5 * kept, atol=1e-5)
    assert set(nm.parameters(state)) == {"weights"}
    with pytest.raises(ValueError, match="connections=21 exceeds inputs=20; write connections=20"):
        nm.Sparse(inputs=20, outputs=6, connections=21)


def test_feedback_uses_the_forward_weights_as_they_are():
    circuit = nm.connect(
        dict(forward=nm.Hebbian(inputs=4, outputs=3), back=nm.Feedback(inputs=3, outputs=4)),
        wires=[
            wire("forward.weights", to="back.weights"),
            wire("forward.outputs", to="back.inputs"),
            wire("forward.outputs", to="forward.post"),
        ],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    x = jnp.ones((2, 4))
    for _ in range(2):
        state, _ = nm.run(circuit, state, steps=1, clamp={"forward.inputs": x}, learn=True)
        weights = np.asarray(state["forward.weights"])
    final, _ = nm.run(circuit, state, steps=1, clamp={"forward.inputs": x})
    np.testing.assert_allclose(final["back.outputs"], x @ weights @ weights.T, rtol=1e-5)


def test_lateral_inhibition_is_everyone_but_oneself():
    layer = nm.LateralInhibition(units=5, strength=1.5)
    x = np.random.default_rng(0).random((3, 5)).astype(np.float32)
    state = nm.init(layer, jax.random.key(0), batch=3).replace(inputs=x)
    expected = 1.5 * x @ (1 - np.eye(5))
    np.testing.assert_allclose(nm.advance_state(layer, state).outputs, expected, rtol=1e-5)


def test_weights_begin_with_the_shape_that_was_asked_for():
    with pytest.raises(ValueError, match=r"Dense: weight_init gave .* \(3, 2\) where \(2, 3\)"):
        nm.init(nm.Dense(inputs=2, outputs=3, weight_init=lambda key, shape: jnp.ones((3, 2))),
                jax.random.key(0))  # fmt: skip
    with pytest.raises(ValueError, match=r"STDP: weight_init is a function .*got float\. Write"):
        nm.init(nm.STDP(inputs=2, outputs=3, weight_init=0.5), jax.random.key(0))


def test_dense_transmits_scaled_and_adds_its_bias():
    draw = np.random.default_rng(0)
    weights, bias, inputs = (draw.normal(size=s).astype(np.float32) for s in ((5, 3), (3,), (2, 5)))
    for options, scale in (({}, 1.0), ({"scale": 0.5}, 0.5)):
        synapse = nm.Dense(inputs=5, outputs=3, **options)
        state = nm.init(synapse, jax.random.key(0), batch=2)
        assert not np.any(state.bias)
        state = state.replace(weights=weights, bias=bias, inputs=inputs)
        expected = scale * (inputs.astype(np.float64) @ weights) + bias
        np.testing.assert_allclose(nm.advance_state(synapse, state).outputs, expected, rtol=1e-5)
