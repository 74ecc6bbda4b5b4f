"""Hebb, Oja and BCM against closed forms, principal components and float64 loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import wire


def changes(synapse, pre, post, weights, **others):
    state = nm.init(synapse, jax.random.key(0), batch=len(pre))
    state = state.replace(inputs=pre, post=post, weights=weights, **others)
    return np.asarray(nm.weight_changes(synapse, state))


def test_rules_equal_float64_loops():
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(5, 4)), rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    theta = rng.random(3)
    hebb, plain, sanger, bcm = (np.zeros((4, 3)) for _ in range(4))
    for b in range(5):
        for j in range(3):
            hebb[:, j] += x[b] * y[b, j] / 5
            plain[:, j] += y[b, j] * (x[b] - y[b, j] * w[:, j]) / 5
            sanger[:, j] += y[b, j] * (x[b] - w[:, : j + 1] @ y[b, : j + 1]) / 5
            bcm[:, j] += x[b] * y[b, j] * (y[b, j] - theta[j]) / 5
    sizes = dict(inputs=4, outputs=3)
    np.testing.assert_allclose(changes(nm.Hebbian(**sizes), x, y, w), hebb, atol=2e-6)
    np.testing.assert_allclose(changes(nm.Oja(**sizes, ordered=False), x, y, w), plain, atol=2e-6)
    np.testing.assert_allclose(changes(nm.Oja(**sizes), x, y, w), sanger, atol=2e-6)
    found = changes(nm.BCM(**sizes), x, y, w, threshold=theta)
    np.testing.assert_allclose(found, bcm, atol=2e-6)


def test_oja_finds_the_principal_components():
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    data = (rng.normal(size=(512, 6)) * [3.0, 2.0, 1.2, 0.5, 0.3, 0.1]) @ basis.T
    data -= data.mean(0)
    components = np.linalg.eigh(data.T @ data / 512)[1][:, ::-1]
    circuit = nm.connect(
        dict(synapse=nm.Oja(inputs=6, outputs=3, eta=0.02)),
        wires=[wire("synapse.outputs", to="synapse.post")],
    )
    state = nm.init(circuit, jax.random.key(0), batch=512)
    state, _ = nm.run(
        circuit, state, steps=3000, clamp={"synapse.inputs": jnp.asarray(data)}, learn=True
    )
    w = np.asarray(state["synapse.weights"])
    np.testing.assert_allclose(np.linalg.norm(w, axis=0), 1.0, atol=1e-2)
    for j in range(3):
        assert abs(abs(w[:, j] @ components[:, j]) - 1.0) < 1e-4  # cosine
        sign = np.sign(w[:, j] @ components[:, j])
        np.testing.assert_allclose(w[:, j], sign * components[:, j], atol=1e-2)


def test_bcm_changes_sign_at_the_threshold_and_becomes_selective():
    synapse = nm.BCM(inputs=1, outputs=1)
    post = np.linspace(0.0, 3.0, 31)
    state = nm.init(synapse, jax.random.key(0)).replace(inputs=[[2.0]], threshold=[1.2])
    one = jax.vmap(lambda y: nm.weight_changes(synapse, state.replace(post=y[None, None])))
    found = np.asarray(one(jnp.asarray(post, jnp.float32)))[:, 0, 0]
    np.testing.assert_allclose(found, 2.0 * post * (post - 1.2), atol=2e-6)
    assert np.all(found[(post > 0) & (post < 1.19)] < 0) and np.all(found[post > 1.21] > 0)

    patterns = jnp.array([[1.0, 0.2, 0.1], [0.2, 1.0, 0.2], [0.1, 0.2, 1.0]])
    circuit = nm.connect(
        dict(
            synapse=nm.BCM(inputs=3, outputs=4, eta=0.02, tau_threshold=20.0, bounds="none"),
            cell=nm.RateCell(units=4, tau=1e-6),
        ),
        wires=[
            wire("synapse.outputs", to="cell.inputs"),
            wire("cell.outputs", to="synapse.post"),
        ],
    )
    state = nm.init(circuit, jax.random.key(2), batch=3)
    state, _ = nm.run(circuit, state, steps=6000, clamp={"synapse.inputs": patterns}, learn=True)
    answers = np.asarray(
        nm.run(circuit, state, steps=1, clamp={"synapse.inputs": patterns})[0]["cell.outputs"]
    )
    best = np.sort(answers, axis=0)
    # Fixed points with three equally likely patterns: 3 for one of them and 0 for the others.
    np.testing.assert_allclose(best[-1], 3.0, atol=0.1)
    assert np.all(best[:-1] < 0.1)


def test_bcm_threshold_is_the_running_mean_of_squares():
    synapse = nm.BCM(inputs=1, outputs=2, tau_threshold=10.0, threshold_start=0.0)
    state = nm.init(synapse, jax.random.key(0), batch=2).replace(post=[[1.0, 2.0], [3.0, 2.0]])
    for _ in range(7):
        state = nm.evolve(synapse, state, dt=0.5)
    kept = np.exp(-0.35)
    np.testing.assert_allclose(state.threshold, np.array([5.0, 4.0]) * (1 - kept), rtol=1e-5)


@pytest.mark.parametrize("rule", [nm.Hebbian, nm.Oja, nm.BCM, nm.STDP])
def test_the_change_is_a_mean_over_the_batch(rule):
    synapse = rule(inputs=2, outputs=2)
    rng = np.random.default_rng(0)
    one = {n: rng.random((1, 2)) for n in ("inputs", "post", "pre_trace", "post_trace")}
    single = nm.init(synapse, jax.random.key(0))
    one = {n: v for n, v in one.items() if n in single.specs()}
    many = nm.init(synapse, jax.random.key(0), batch=3)
    np.testing.assert_allclose(
        nm.weight_changes(synapse, single.replace(**one)),
        nm.weight_changes(synapse, many.replace(**{n: np.tile(v, (3, 1)) for n, v in one.items()})),
        rtol=1e-5,
    )
