"""Event-driven synapses against loops in float64: every spike, every delay, no spike lost."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import connectivity

RNG = np.random.default_rng(0)


def _loop(connections, weights, lags, spikes):
    """(steps, batch, outputs) what arrives, connection by connection."""
    sources, targets = np.asarray(connections.sources), np.asarray(connections.targets)
    arrived = np.zeros((*spikes.shape[:2], connections.outputs))
    for k, (i, j, lag) in enumerate(zip(sources, targets, lags, strict=True)):
        if lag < len(spikes):
            arrived[lag:, :, j] += weights[k] * spikes[: len(spikes) - lag, :, i]
    return arrived


def _spikes(steps, batch, inputs, p=0.15):
    return (RNG.random((steps, batch, inputs)) < p).astype(np.float32)


@pytest.mark.parametrize(
    ("method", "block"), [("events", 1), ("events", 3), ("events", 64), ("all", 3), ("auto", 3)]
)
@pytest.mark.parametrize("delay", [None, 0.0, 0.3, "own"])
def test_arrivals_equal_a_loop(delay, method, block) -> None:
    made = connectivity.fixed_probability(20, 15, 0.3, seed=1).replace(block=block)
    how = {} if delay in (None, "own") else dict(delay=delay)
    if delay == "own":
        made = made.with_delays(np.round(RNG.uniform(0.0, 1.2, len(made)), 1))
        lags = np.floor(np.asarray(made.delays, np.float64) / 0.1 + 0.5).astype(int)
    else:
        lags = np.full(len(made), 0 if delay is None else round(delay / 0.1))
    synapse = nm.EventSynapse(connections=made, scale=0.7, method=method, **how)
    spikes = _spikes(25, 2, 20)
    spikes[3, 1, 4] = 3.0  # several spikes, and anything else that is not 0, count linearly
    state = nm.init(synapse, jax.random.key(0), batch=2)
    _, seen = nm.run(synapse, state, steps=25, dt=0.1, inputs={"inputs": spikes}, record="outputs")
    expected = 0.7 * _loop(made, np.asarray(state.weights, np.float64), lags, spikes)
    np.testing.assert_allclose(seen["outputs"], expected, atol=1e-5)


def test_no_spike_is_lost_when_all_fire_at_once(monkeypatch) -> None:
    from ngcmem.synapses import _delivery

    made = connectivity.fixed_out_degree(700, 30, 5, seed=0)
    state_of = {}
    for per_round in (_delivery.PER_ROUND, 7, 1000):
        monkeypatch.setattr(_delivery, "PER_ROUND", per_round)
        synapse = nm.EventSynapse(connections=made, delay=0.1 + per_round * 1e-9)
        state = nm.init(synapse, jax.random.key(0), batch=2)
        fired = np.ones((3, 2, 700), np.float32)
        fired[1] = _spikes(1, 2, 700, 0.5)[0]
        fired[2] = 0
        _, seen = nm.run(
            synapse, state, steps=3, dt=0.1, inputs={"inputs": fired}, record="outputs"
        )
        expected = _loop(made, np.asarray(state.weights, np.float64), [1] * len(made), fired)
        np.testing.assert_allclose(seen["outputs"], expected, rtol=1e-5)
        state_of[per_round] = seen["outputs"]
    assert 700 > 256 > 7


@pytest.mark.parametrize("own", [False, True])
def test_the_form_for_accelerators_adds_the_same(monkeypatch, own) -> None:
    """All rows of a round at once, on this machine too."""
    from ngcmem.synapses import _delivery

    made = connectivity.fixed_probability(900, 40, 0.3, seed=1)
    lags = np.zeros(len(made), int)
    if own:
        made = made.with_delays(np.round(RNG.uniform(0.0, 0.5, len(made)), 1))
        lags = np.round(np.asarray(made.delays, np.float64) / 0.1).astype(int)
    monkeypatch.setattr(_delivery, "SWEPT", 5)
    monkeypatch.setattr(_delivery.lax, "platform_dependent", lambda x, *, cpu, default: default(x))
    synapse = nm.EventSynapse(connections=made, max_steps=6 + own)
    state = nm.init(synapse, jax.random.key(0), batch=2)
    spikes = _spikes(6, 2, 900, 0.4)
    _, seen = nm.run(synapse, state, steps=6, dt=0.1, inputs={"inputs": spikes}, record="outputs")
    expected = _loop(made, np.asarray(state.weights, np.float64), lags, spikes)
    np.testing.assert_allclose(seen["outputs"], expected, rtol=1e-4)


@pytest.mark.parametrize("method", ["events", "all"])
def test_no_connections_bring_nothing(method) -> None:
    made = connectivity.fixed_probability(4, 3, 0.0, seed=0)
    assert len(made) == 0
    for synapse in (
        nm.EventSynapse(connections=made, method=method),
        nm.EventSTDP(connections=made),
    ):
        state = nm.init(synapse, jax.random.key(0)).replace(inputs=np.ones((1, 4)))
        after = nm.evolve(synapse, nm.advance_state(synapse, state))
        np.testing.assert_array_equal(after.outputs, np.zeros((1, 3)))


@pytest.mark.parametrize("method", ["events", "all"])
def test_one_weight_and_rows_without_connections(method) -> None:
    made = connectivity.from_lists([0, 0, 4], [1, 1, 2], inputs=6, outputs=4)
    synapse = nm.EventSynapse(
        connections=made,
        one_weight=True,
        method=method,
        weight_init=jax.nn.initializers.constant(2.0),
    )
    state = nm.init(synapse, jax.random.key(0)).replace(inputs=np.ones((1, 6)))
    assert state.weights.shape == ()
    np.testing.assert_array_equal(nm.advance_state(synapse, state).outputs, [[0.0, 4.0, 2.0, 0.0]])


@pytest.mark.parametrize("method", ["events", "all"])
def test_a_batch_is_its_examples_and_populations_are_their_members(method) -> None:
    made = connectivity.fixed_probability(12, 10, 0.4, seed=2).with_delays(
        lambda pre, post: 0.1 * (pre % 4)
    )
    synapse = nm.EventSynapse(connections=made, method=method)
    spikes = _spikes(9, 3, 12)
    state = nm.init(synapse, jax.random.key(0), batch=3)
    options = dict(steps=9, dt=0.1, record="outputs")
    _, whole = nm.run(synapse, state, inputs={"inputs": spikes}, **options)
    for b in range(3):
        one = nm.init(synapse, jax.random.key(0), batch=1).replace(weights=state.weights)
        _, seen = nm.run(synapse, one, inputs={"inputs": spikes[:, b : b + 1]}, **options)
        np.testing.assert_allclose(seen["outputs"][:, 0], whole["outputs"][:, b], rtol=1e-6)
    several = nm.Population(member=synapse, count=2)
    state = nm.init(several, jax.random.key(1), batch=3)
    both = np.stack([spikes, spikes[::-1]], axis=2)
    _, seen = nm.run(several, state, inputs={"inputs": both}, **options)
    for member in range(2):
        weights = np.asarray(state["weights"], np.float64)[member]
        lags = np.floor(np.asarray(made.delays, np.float64) / 0.1 + 0.5).astype(int)
        expected = _loop(made, weights, lags, both[:, :, member])
        np.testing.assert_allclose(seen["outputs"][:, :, member], expected, atol=1e-5)


@pytest.mark.parametrize("method", ["events", "all"])
def test_gradients_are_those_of_the_sum_over_all_connections(method) -> None:
    made = connectivity.fixed_probability(12, 10, 0.4, seed=2).with_delays(
        lambda pre, post: 0.1 * (post % 3)
    )
    synapse = nm.EventSynapse(connections=made, method=method)
    spikes, pull = _spikes(7, 2, 12), RNG.normal(size=(7, 2, 10))
    state = nm.init(synapse, jax.random.key(0), batch=2)

    def loss(weights, spikes):
        _, seen = nm.run(
            synapse,
            state.replace(weights=weights),
            steps=7,
            dt=0.1,
            inputs={"inputs": spikes},
            record="outputs",
        )
        return jnp.sum(seen["outputs"] * jnp.asarray(pull, jnp.float32))

    by_weight, by_spike = jax.grad(loss, argnums=(0, 1))(state.weights, jnp.asarray(spikes))
    lags = np.floor(np.asarray(made.delays, np.float64) / 0.1 + 0.5).astype(int)
    expected, back = np.zeros(len(made)), np.zeros(spikes.shape)
    weights = np.asarray(state.weights, np.float64)
    for k, (i, j) in enumerate(zip(np.asarray(made.sources), np.asarray(made.targets))):  # noqa: B905
        sent = slice(0, 7 - lags[k])
        expected[k] = (spikes[sent, :, i] * pull[lags[k] :, :, j]).sum()
        back[sent, :, i] += weights[k] * pull[lags[k] :, :, j]
    np.testing.assert_allclose(by_weight, expected, atol=1e-4)
    np.testing.assert_allclose(by_spike, back, atol=1e-4)


def test_what_was_sent_with_another_dt_is_nan_until_it_has_gone() -> None:
    synapse = nm.EventSynapse(connections=connectivity.one_to_one(2), delay=1.0, max_steps=4)
    state = nm.init(synapse, jax.random.key(0))
    spikes = np.ones((6, 1, 2), np.float32)
    state, _ = nm.run(synapse, state, steps=6, dt=0.5, inputs={"inputs": spikes})
    _, seen = nm.run(synapse, state, steps=6, dt=0.25, inputs={"inputs": spikes}, record="outputs")
    assert np.isnan(seen["outputs"][:4]).all() and np.isfinite(seen["outputs"][4:]).all()
    with pytest.raises(ValueError, match="too short a step"):
        nm.run(synapse, state, steps=1, dt=0.1)
    traced = jax.vmap(lambda dt: nm.run(synapse, state, steps=1, dt=dt, record="outputs")[1])
    assert np.isnan(traced(jnp.array([0.1]))["outputs"]).all()


def _network(step_inputs, connections, weights, eta):
    """An integrate-and-fire network with STDP where spikes arrive, as a loop in float64.

    Returns the spikes, the distance of the nearest v from its threshold, and the last weights.
    """
    weights = weights.copy()
    lags = np.round(np.asarray(connections.delays, np.float64) / 0.1).astype(int)
    sources, targets = np.asarray(connections.sources), np.asarray(connections.targets)
    size, steps = connections.inputs, len(step_inputs)
    begins = np.asarray(connections.starts)
    columns = np.argsort(targets, kind="stable")
    column_begins = np.searchsorted(targets[columns], np.arange(size + 1))
    v, rest, closest = np.zeros(size), np.zeros(size, int), []
    spikes, x, y = np.zeros((steps, size), bool), np.zeros((steps + 1, size)), np.zeros(size)
    due: dict[int, list] = {}  # connections along which spikes arrive, by step
    share, fade = -np.expm1(-0.1 / 20.0), np.exp(-0.1 / 20.0)
    learning = sources % 5 != 0
    for t in range(steps):
        rows = np.concatenate(due.pop(t, [np.zeros(0, int)]))
        arriving = np.zeros(size)
        np.add.at(arriving, targets[rows], weights[rows])
        v = np.where(rest > 0, 0.0, v - v * share + step_inputs[t] + arriving)
        closest.append(np.abs(v - 20.0)[rest == 0].min())
        fired = v >= 20.0
        v[fired] = 0.0
        rest = np.where(fired, 20, np.maximum(rest - 1, 0))
        spikes[t] = fired
        for i in np.flatnonzero(fired):
            mine = np.arange(begins[i], begins[i + 1])
            for k in mine:
                due.setdefault(t + 1 + lags[k], []).append([k])
        before = spikes[t - 1] if t else np.zeros(size, bool)  # what the synapse gets in this step
        x[t] = (x[t - 1] * fade if t else 0.0) + before
        y = y * fade + fired
        old = weights.copy()
        rows = rows[learning[rows]]
        weights[rows] -= eta * 1.05 * y[targets[rows]]
        for j in np.flatnonzero(fired):
            mine = columns[column_begins[j] : column_begins[j + 1]]
            mine = mine[learning[mine] & (lags[mine] <= t)]
            weights[mine] += eta * x[t - lags[mine], sources[mine]]
        moved = weights != old
        weights[moved] = np.clip(weights[moved], 0.0, 1.0)
    return spikes, np.array(closest), weights


def test_a_network_with_delays_and_stdp_equals_a_loop_spike_for_spike() -> None:
    size, steps = 1000, 2000
    delays = np.round(np.random.default_rng(1).uniform(0.1, 2.5, 50_000), 1)
    made = connectivity.fixed_in_degree(size, size, 50, seed=3).with_delays(delays)
    sources, targets = np.asarray(made.sources), np.asarray(made.targets)
    learning = sources % 5 != 0
    parts = {}
    for name, chosen in (("excitation", learning), ("inhibition", ~learning)):
        lists = connectivity.from_lists(sources[chosen], targets[chosen], inputs=size, outputs=size)
        parts[name] = lists.with_delays(np.asarray(made.delays)[chosen])
        np.testing.assert_array_equal(parts[name].sources, sources[chosen])  # in the same order
    drive = np.random.default_rng(2).normal(0.16, 0.4, (steps, size))
    cell = dict(v_rest=0.0, v_reset=0.0, v_threshold=20.0, refractory_time=2.0)
    circuit = nm.connect(
        dict(
            source=nm.RateCell(units=size, tau=1e-4, activation=_same),
            cell=nm.LIF(units=size, tau=20.0, **cell),
            excitation=nm.EventSTDP(connections=parts["excitation"], eta=1e-3),
            inhibition=nm.EventSynapse(connections=parts["inhibition"]),
            pre=nm.Trace(units=size, tau=20.0),
            post=nm.Trace(units=size, tau=20.0),
        ),
        [
            nm.wire(nm.delayed("cell.spikes"), to="excitation.inputs"),
            nm.wire(nm.delayed("cell.spikes"), to="inhibition.inputs"),
            nm.wire(nm.delayed("cell.spikes"), to="pre.inputs"),
            nm.wire("cell.spikes", to="post.inputs"),
            nm.wire("cell.spikes", to="excitation.post"),
            nm.wire("pre.trace", to="excitation.pre_trace"),
            nm.wire("post.trace", to="excitation.post_trace"),
            nm.wire("source.outputs", "excitation.outputs", "inhibition.outputs", to="cell.jump"),
        ],
    )
    weights = np.where(learning, 0.12, -0.6)
    with jax.enable_x64(True):
        state = nm.init(circuit, jax.random.key(0)).set(
            {"excitation.weights": weights[learning], "inhibition.weights": weights[~learning]}
        )
        record = {"spikes": nm.drivers.Events("cell.spikes", most=60_000)}
        inputs = {"source.inputs": drive[:, None]}
        final, seen = nm.run(
            circuit, state, steps=steps, dt=0.1, inputs=inputs, record=record, learn=True
        )
    spikes, closest, learned = _network(drive, made, weights, 1e-3)
    events, found = seen["spikes"], np.zeros_like(spikes)
    kept = int(events.kept)
    assert int(events.lost) == 0
    found[np.asarray(events.steps)[:kept], np.asarray(events.units)[:kept]] = True
    sure = int(np.argmax(closest < 1e-9)) if (closest < 1e-9).any() else steps
    assert sure >= 200 and spikes[:sure].sum() > 1000
    np.testing.assert_array_equal(found[:sure], spikes[:sure])
    assert abs(found.sum() / spikes.sum() - 1) < 0.03
    if sure == steps:
        assert np.abs(learned - weights).max() > 0.01
        np.testing.assert_allclose(final["excitation.weights"], learned[learning], atol=1e-9)


def _same(x):
    return x


@pytest.mark.parametrize("delays", ["none", "one", "own"])
@pytest.mark.parametrize("bounds", ["hard", "none"])
def test_stdp_equals_the_pair_rule_at_every_connection(delays, bounds) -> None:
    """A loop over connections in float64, with the traces where the spikes arrive."""
    made = connectivity.fixed_probability(14, 11, 0.4, seed=5)
    lags = np.zeros(len(made), int)
    how = {}
    if delays == "one":
        how, lags = dict(delay=0.3), lags + 3
    if delays == "own":
        made = made.with_delays(np.round(RNG.uniform(0.0, 1.0, len(made)), 1))
        lags = np.round(np.asarray(made.delays, np.float64) / 0.1).astype(int)
    synapse = nm.EventSTDP(connections=made, eta=0.15, bounds=bounds, a_minus=0.8, **how)
    circuit = nm.connect(
        dict(
            synapse=synapse,
            pre=nm.Trace(units=14, tau=2.0),
            post=nm.Trace(units=11, tau=3.0),
        ),
        [
            nm.wire("pre.inputs", to="synapse.inputs"),
            nm.wire("post.inputs", to="synapse.post"),
            nm.wire("pre.trace", to="synapse.pre_trace"),
            nm.wire("post.trace", to="synapse.post_trace"),
        ],
    )
    steps, batch = 120, 2
    pre, post = (_spikes(steps, batch, n, 0.1).astype(np.float64) for n in (14, 11))
    pre[40] = post[41] = 1.0  # more than a round finds at once, where rounds are small
    with jax.enable_x64(True):
        state = nm.init(circuit, jax.random.key(0), batch=batch)
        start = np.asarray(state["synapse.weights"])
        final, seen = nm.run(
            circuit,
            state,
            steps=steps,
            dt=0.1,
            inputs={"pre.inputs": pre, "post.inputs": post},
            learn=True,
            record=("synapse.weights", "synapse.weight_changes"),
        )
    sources, targets = np.asarray(made.sources), np.asarray(made.targets)
    weights, x, y, held = start.copy(), np.zeros((steps, batch, 14)), np.zeros((batch, 11)), 0
    for t in range(steps):
        x[t] = (x[t - 1] * np.exp(-0.1 / 2.0) if t else 0.0) + pre[t]
        y = y * np.exp(-0.1 / 3.0) + post[t]
        change = np.zeros(len(made))
        for k, (i, j, lag) in enumerate(zip(sources, targets, lags, strict=True)):
            if t >= lag:
                arrived, trace = pre[t - lag, :, i], x[t - lag, :, i]
                change[k] = np.mean(trace * post[t, :, j] - 0.8 * arrived * y[:, j])
        np.testing.assert_allclose(seen["synapse.weight_changes"][t], change, atol=1e-9)
        weights = weights + 0.15 * change
        if bounds == "hard":
            held += int(((weights < 0.0) | (weights > 1.0)).sum())
            weights = np.clip(weights, 0.0, 1.0)
    assert np.abs(weights - start).max() > 0.2
    assert held > 3 or bounds == "none"
    np.testing.assert_allclose(final["synapse.weights"], weights, atol=1e-9)


def test_stdp_without_delays_is_the_dense_rule_on_the_connections_there_are() -> None:
    made = connectivity.fixed_probability(14, 11, 0.4, seed=5)
    rng = np.random.default_rng(1)
    pre, post = rng.random((3, 14)) < 0.3, rng.random((3, 11)) < 0.3
    traces = rng.random((3, 14)), rng.random((3, 11))
    learning = dict(post=post, pre_trace=traces[0], post_trace=traces[1])
    events = nm.EventSTDP(connections=made, eta=0.1)
    state = nm.init(events, jax.random.key(0), batch=3)
    state = nm.advance_state(events, state.replace(inputs=pre))
    learned = nm.evolve(events, state.replace(**learning)).weights
    dense = nm.STDP(inputs=14, outputs=11, eta=0.1)
    other = nm.init(dense, jax.random.key(0), batch=3)
    other = other.replace(weights=made.dense(state.weights), inputs=pre, **learning)
    expected = nm.evolve(dense, other).weights
    rows = np.asarray(made.sources), np.asarray(made.targets)
    np.testing.assert_allclose(learned, expected[rows], atol=1e-6)
    np.testing.assert_allclose(
        nm.weight_changes(events, state.replace(**learning)),
        nm.weight_changes(dense, other)[rows],
        atol=1e-6,
    )


def test_hebb_is_stdp_with_the_spikes_in_place_of_their_trace() -> None:
    made = connectivity.fixed_probability(14, 11, 0.4, seed=5)
    rng = np.random.default_rng(2)
    pre, post = rng.random((3, 14)) < 0.3, rng.random((3, 11)) < 0.3
    events = nm.EventSTDP(connections=made, a_plus=0.5, a_minus=0.0, bounds="none")
    state = nm.advance_state(events, nm.init(events, jax.random.key(0), batch=3))
    found = nm.weight_changes(events, state.replace(inputs=pre, post=post, pre_trace=pre), dt=0.5)
    dense = nm.Hebbian(inputs=14, outputs=11)
    other = nm.init(dense, jax.random.key(0), batch=3).replace(inputs=pre, post=post)
    expected = nm.weight_changes(dense, other, dt=0.5)
    rows = np.asarray(made.sources), np.asarray(made.targets)
    assert np.abs(found).max() > 0
    np.testing.assert_allclose(found, expected[rows], atol=1e-6)


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: nm.EventSynapse(connections=nm.LIF(units=3)), TypeError, "nm.connectivity"),
        (
            lambda: nm.EventSynapse(
                connections=connectivity.one_to_one(2).with_delays([1.0, 2.0]), delay=1.0
            ),
            ValueError,
            "leave delay=1.0 out",
        ),
        (
            lambda: jax.vmap(
                lambda d: nm.EventSynapse(connections=connectivity.one_to_one(2), delay=d).scale
            )(jnp.ones(2)),
            ValueError,
            "a traced delay needs max_steps",
        ),
        (
            lambda: nm.EventSynapse(connections=connectivity.one_to_one(2), method="gather"),
            ValueError,
            "method is one of 'auto', 'events', 'all', got 'gather'",
        ),
        (
            lambda: nm.EventSTDP(connections=connectivity.one_to_one(2), bounds="soft"),
            ValueError,
            "bounds is one of 'hard', 'none', got 'soft'",
        ),
        (
            lambda: nm.EventSTDP(connections=connectivity.one_to_one(2), weight_min=2.0),
            ValueError,
            "weight_min=2.0 is above weight_max=1.0",
        ),
    ],
)
def test_mistakes(make, error, text) -> None:
    with pytest.raises(error, match=re.escape(text)):
        make()
