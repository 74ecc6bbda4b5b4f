"""`BennaFusi` and `FusiCascade` around synapses of every kind, against float64 loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import ngcmem as nm
from ngcmem.synapses import exchange_matrix

KEY = jax.random.key(0)


def test_a_step_is_the_rule_and_then_the_exchange() -> None:
    inner = nm.Hebbian(inputs=3, outputs=2, eta=0.1, bounds="none")
    component = nm.BennaFusi(synapse=inner, stages=4, tau=2.0, rest=0.5)
    state = nm.init(component, KEY, batch=2)
    draw = np.random.default_rng(0)
    step = scipy.linalg.expm(exchange_matrix(4) * 0.5 / 2.0)
    values = np.concatenate([state["weights"][None] - 0.5, state["chain"]]).astype(np.float64)
    np.testing.assert_array_equal(values[1], values[0])  # at rest
    for _ in range(20):
        inputs, post = draw.normal(size=(2, 3)), draw.normal(size=(2, 2))
        state = state.set({"inputs": inputs, "post": post})
        state = nm.evolve(component, nm.advance_state(component, state, dt=0.5), dt=0.5)
        values[0] += 0.1 * 0.5 * inputs.T @ post / 2
        values = np.tensordot(step, values, 1)
    np.testing.assert_allclose(state["weights"], values[0] + 0.5, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(state["chain"], values[1:], rtol=2e-6, atol=1e-6)


def test_slow_variables_keep_their_digits() -> None:
    inner = nm.Hebbian(inputs=1, outputs=1, eta=0.0)
    component = nm.BennaFusi(synapse=inner, stages=12, tau=1.0)
    state = nm.init(component, KEY).set({"weights": np.ones((1, 1)), "chain": np.ones((11, 1, 1))})
    steps = 100_000
    state, _ = nm.run(component, state, steps=steps, dt=0.1, learn=True)
    exact = scipy.linalg.expm(exchange_matrix(12) * 0.1 * steps) @ np.ones(12)
    assert 0 < 1 - exact[-1] < 1e-3  # by 3e-9 in a step, of digits of 6e-8
    np.testing.assert_allclose(1 - np.ravel(state["chain"]), 1 - exact[1:], rtol=1e-2, atol=1e-6)


def test_transmission_and_compartments_are_the_synapses_own() -> None:
    inner = nm.STDP(inputs=3, outputs=2)
    component = nm.BennaFusi(synapse=inner, stages=3)
    state = nm.init(component, KEY, batch=2)
    assert set(state.specs()) == {*nm.init(inner, KEY).specs(), "chain", "rounding"}
    inputs = np.random.default_rng(0).uniform(size=(2, 3))
    after = nm.advance_state(component, state.set({"inputs": inputs}))
    np.testing.assert_allclose(after["outputs"], inputs @ np.asarray(state["weights"]), rtol=1e-6)
    circuit = nm.connect(
        dict(
            source=nm.Poisson(units=3),
            pre=nm.Trace(units=3),
            synapse=component,
            cell=nm.LIF(units=2),
            post=nm.Trace(units=2),
        ),
        [
            nm.wire("source.spikes", to="synapse.inputs"),
            nm.wire("source.spikes", to="pre.inputs"),
            nm.wire("synapse.outputs", to="cell.current"),
            nm.wire("cell.spikes", to="post.inputs"),
            nm.wire("pre.trace", to="synapse.pre_trace"),
            nm.wire("post.trace", to="synapse.post_trace"),
            nm.wire("cell.spikes", to="synapse.post"),
        ],
    )
    state = nm.init(circuit, KEY)
    state, seen = nm.run(
        circuit,
        state,
        steps=5,
        clamp={"source.inputs": np.ones((1, 3))},
        record=("synapse.weights", "synapse.chain"),
        learn=True,
    )
    assert seen["synapse.chain"].shape == (5, 2, 3, 2)
    assert "synapse.chain" in nm.parameters(state)


def test_with_a_bounded_synapse_the_weights_stay_in_its_bounds() -> None:
    inner = nm.Hebbian(inputs=2, outputs=2, eta=1.0)
    component = nm.BennaFusi(synapse=inner, stages=3, rest=0.5)
    state = nm.init(component, KEY).set({"inputs": np.ones((1, 2)), "post": [[1.0, -1.0]]})
    _, seen = nm.run(component, state, steps=50, learn=True, record="weights")
    weights = np.asarray(seen["weights"])
    assert weights.min() >= 0 and weights.max() <= 1


def test_the_grid_rounds_without_bias() -> None:
    inner = nm.Hebbian(inputs=1, outputs=20_000, eta=1.0, bounds="none")
    component = nm.BennaFusi(synapse=inner, stages=2, grid=0.5, bound=3.0)
    state = nm.init(component, KEY)
    zeros = {"weights": jnp.zeros((1, 20_000)), "chain": jnp.zeros((1, 1, 20_000))}
    state = state.set({**zeros, "inputs": [[1.0]], "post": jnp.full((1, 20_000), 1.7)})
    after = nm.evolve(component, state)
    exact = scipy.linalg.expm(exchange_matrix(2)) @ [1.7, 0.0]
    found = np.stack([after["weights"][0], after["chain"][0, 0]])
    assert set(np.unique(found)) <= set(np.arange(-3, 3.5, 0.5))
    np.testing.assert_allclose(found.mean(1), exact, atol=0.25 * 4 / np.sqrt(20_000))
    many = state.set({"post": jnp.full((1, 20_000), 40.0)})
    assert float(nm.evolve(component, many)["weights"].max()) == 3.0


def test_the_transitions_of_the_cascade() -> None:
    inner = nm.Hebbian(inputs=1, outputs=40_000, eta=0.0, bounds="none")
    component = nm.FusiCascade(synapse=inner, stages=4, eta=1.0, weak=-1.0, strong=1.0)
    state = nm.init(component, KEY).set({"inputs": [[1.0]]})
    for depth in range(1, 5):
        for event, rate in ((1.0, 1.0), (-1.0, 1.0), (0.25, 0.25)):
            begun = state.set(
                {
                    "weights": jnp.ones((1, 40_000)),
                    "depth": jnp.full((1, 40_000), depth, jnp.int8),
                    "post": jnp.full((1, 40_000), event),
                }
            )
            after = nm.evolve(component, begun)
            flipped = np.asarray(after["weights"]) == -1
            deeper = np.asarray(after["depth"]) == depth + 1
            slack = 4 * np.sqrt(0.25 / 40_000)
            if event > 0:
                expected = 0.0 if depth == 4 else rate * 2.0 ** (1 - depth)
                assert abs(deeper.mean() - expected) <= slack and not flipped.any()
            else:
                expected = 2.0 ** (2 - depth) if depth == 4 else 2.0 ** (1 - depth)
                assert abs(flipped.mean() - expected) <= slack and not deeper.any()
                assert (np.asarray(after["depth"])[flipped] == 1).all()


def test_nothing_happens_without_events() -> None:
    inner = nm.Hebbian(inputs=2, outputs=3)
    component = nm.FusiCascade(synapse=inner, stages=4)
    state = nm.init(component, KEY)
    after = nm.evolve(component, nm.advance_state(component, state))
    np.testing.assert_array_equal(after["weights"], state["weights"])
    np.testing.assert_array_equal(after["depth"], state["depth"])


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda: nm.BennaFusi(synapse=nm.Dense(inputs=2, outputs=2)), TypeError, "got Dense"),
        (lambda: nm.FusiCascade(synapse=nm.AdaptiveLIF(units=2)), TypeError, "`weights` to keep"),
        (lambda: nm.BennaFusi(synapse=nm.Oja(inputs=2, outputs=2), stages=0), ValueError, "stages"),
        (
            lambda: nm.BennaFusi(synapse=nm.Oja(inputs=2, outputs=2), grid=1.0),
            ValueError,
            r"grid=1.0, bound=10.0",
        ),
        (
            lambda: nm.FusiCascade(synapse=nm.Oja(inputs=2, outputs=2), stages=1),
            ValueError,
            "stages is 2 to 60, got 1",
        ),
    ],
)
def test_mistakes_are_named(build: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        build()
