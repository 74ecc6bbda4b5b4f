"""A circuit of value and error cells is gradient descent on its energy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire

SIZES = dict(pixels=6, hidden=5, causes=3)


def network(error=nm.GaussianError, tau=20.0, eta=None, **options):
    """pixels <- hidden <- causes, with a Gaussian prior on the causes."""
    pixels, hidden, causes = SIZES.values()
    return nm.connect(
        dict(
            pixels=nm.Value(units=pixels, tau=tau),
            hidden=nm.Value(units=hidden, tau=tau),
            causes=nm.Value(units=causes, tau=tau),
            low=nm.Predictive(inputs=hidden, outputs=pixels, eta=eta),
            high=nm.Predictive(inputs=causes, outputs=hidden, eta=eta),
            low_error=error(units=pixels, **options),
            high_error=nm.GaussianError(units=hidden, variance=0.7),
            prior=nm.GaussianError(units=causes),
            low_back=nm.Feedback(inputs=pixels, outputs=hidden),
            high_back=nm.Feedback(inputs=hidden, outputs=causes),
            total=nm.TotalEnergy(),
        ),
        wires=[
            wire("causes.outputs", to="high.inputs"),
            wire("high.outputs", to="high_error.prediction"),
            wire("hidden.value", to="high_error.target"),
            wire("hidden.outputs", to="low.inputs"),
            wire("low.outputs", to="low_error.prediction"),
            wire("pixels.value", to="low_error.target"),
            wire("causes.value", to="prior.target"),
            wire("low_error.error", to="low_back.inputs"),
            wire("low.weights", to="low_back.weights"),
            wire("high_error.error", to="high_back.inputs"),
            wire("high.weights", to="high_back.weights"),
            wire(delayed("-low_error.target_gradient"), to="pixels.drive"),
            wire(delayed("-high_error.target_gradient"), to="hidden.drive"),
            wire(delayed("low_back.outputs"), to="hidden.feedback"),
            wire(delayed("-prior.target_gradient"), to="causes.drive"),
            wire(delayed("high_back.outputs"), to="causes.feedback"),
            wire("low_error.error", to="low.error"),
            wire("high_error.error", to="high.error"),
            wire("low_error.energy", "high_error.energy", "prior.energy", to="total.terms"),
        ],
    )


def mismatch(error, target, prediction, scale):
    if error is nm.GaussianError:
        return 0.5 * jnp.sum((target - prediction) ** 2) / scale
    if error is nm.LaplacianError:
        return jnp.sum(jnp.abs(target - prediction)) / scale
    probability = jax.nn.sigmoid(prediction)
    return -jnp.sum(target * jnp.log(probability) + (1 - target) * jnp.log(1 - probability))


def energy(values, weights, error, scale=0.5):
    """The energy of one example written down once more, for jax.grad."""
    hidden = jnp.tanh(values["causes"]) @ weights["high.weights"] + weights["high.bias"]
    pixels = jnp.tanh(values["hidden"]) @ weights["low.weights"] + weights["low.bias"]
    return (
        mismatch(error, values["pixels"], pixels, scale)
        + 0.5 * jnp.sum((values["hidden"] - hidden) ** 2) / 0.7
        + 0.5 * jnp.sum(values["causes"] ** 2)
    )


OPTIONS = {
    nm.GaussianError: dict(variance=0.5),
    nm.LaplacianError: dict(scale=0.5),
    nm.BernoulliError: {},
}


def started(circuit, batch=4):
    rng = np.random.default_rng(0)
    state = nm.init(circuit, jax.random.key(1), batch=batch)
    values = {name: rng.uniform(0.1, 0.9, (batch, size)) for name, size in SIZES.items()}
    state = state.set({f"{name}.value": value for name, value in values.items()})
    return nm.advance_state(circuit, state)  # the first step moves nothing: it fills the errors


@pytest.mark.parametrize("error", OPTIONS)
def test_circuit_is_gradient_descent_on_its_energy(error):
    circuit = network(error, tau=20.0, eta=0.05, **OPTIONS[error])
    state = started(circuit)
    free = np.ones((4, 6))
    free[:, :3] = 0.0
    state = state.set({"pixels.free": free})
    gradient = jax.jit(
        jax.vmap(
            jax.value_and_grad(lambda v, w: energy(v, w, error), argnums=(0, 1)), in_axes=(0, None)
        )
    )
    for _ in range(5):
        values = {name: state[f"{name}.value"] for name in SIZES}
        weights = nm.parameters(state)
        total, (slopes, by_weight) = gradient(values, weights)
        np.testing.assert_allclose(state["total.energy"], total, rtol=1e-5)
        changes = nm.weight_changes(circuit, state)
        for name, slope in by_weight.items():
            owner, _, kind = name.partition(".")
            np.testing.assert_allclose(changes[owner][kind], -slope.mean(0), atol=1e-6)
        learned = nm.evolve(circuit, state)
        for name, slope in by_weight.items():
            np.testing.assert_allclose(
                learned[name], weights[name] - 0.05 * slope.mean(0), atol=1e-6
            )
        state = nm.advance_state(circuit, learned.set(weights))
        for name, slope in slopes.items():
            moving = free if name == "pixels" else 1.0
            expected = values[name] - moving * slope / 20.0
            np.testing.assert_allclose(state[f"{name}.value"], expected, atol=1e-6)
        assert (state["pixels.value"][:, :3] == values["pixels"][:, :3]).all()


def test_energy_falls_and_rests_where_the_gradient_is_zero():
    circuit = network(tau=5.0)
    state = started(circuit).set({"pixels.free": np.zeros((4, 6))})
    state, seen = nm.run(circuit, state, steps=400, record="total.energy")
    falls = np.diff(seen["total.energy"], axis=0)
    assert (falls <= 1e-6).all() and (falls[:10] < 0).all()
    values = {name: state[f"{name}.value"] for name in SIZES}
    slopes = jax.vmap(jax.grad(lambda v: energy(v, nm.parameters(state), nm.GaussianError, 1.0)))(
        values
    )
    assert max(np.abs(slopes[name]).max() for name in ("hidden", "causes")) < 1e-4


def test_linear_circuit_rests_at_the_posterior_mean():
    """Gaussian prior and likelihood: the resting value is (I + W W^T / v)^-1 W x / v."""
    circuit = nm.connect(
        dict(
            pixels=nm.Value(units=6),
            causes=nm.Value(units=3, tau=4.0, activation=jnp.positive),
            low=nm.Dense(inputs=3, outputs=6),
            error=nm.GaussianError(units=6, variance=0.5),
            prior=nm.GaussianError(units=3),
            back=nm.Feedback(inputs=6, outputs=3),
        ),
        wires=[
            wire("causes.outputs", to="low.inputs"),
            wire("low.outputs", to="error.prediction"),
            wire("pixels.value", to="error.target"),
            wire("causes.value", to="prior.target"),
            wire("error.error", to="back.inputs"),
            wire("low.weights", to="back.weights"),
            wire(delayed("-prior.target_gradient"), to="causes.drive"),
            wire(delayed("back.outputs"), to="causes.feedback"),
        ],
    )
    x = np.random.default_rng(2).normal(size=(4, 6))
    state = nm.init(circuit, jax.random.key(0), batch=4).set({"pixels.value": x})
    state, _ = nm.run(circuit, state, steps=300)
    w = np.asarray(state["low.weights"], np.float64)
    posterior = np.linalg.solve(np.eye(3) + w @ w.T / 0.5, w @ x.T / 0.5).T
    np.testing.assert_allclose(state["causes.value"], posterior, atol=1e-5)


def test_predictive_takes_eta_or_optimizer():
    import optax

    with pytest.raises(ValueError, match="eta= or optimizer=, not both"):
        nm.Predictive(inputs=2, outputs=2, eta=0.1, optimizer=optax.sgd(0.1))
    adam = nm.Predictive(inputs=2, outputs=3, optimizer=optax.adam(0.1))
    state = nm.init(adam, jax.random.key(0), batch=5).set({"error": np.ones((5, 3))})
    learned = nm.evolve(adam, state.set({"inputs": np.ones((5, 2))}))
    np.testing.assert_allclose(learned.weights, state.weights + 0.1, atol=1e-6)
    idle = nm.Predictive(inputs=2, outputs=3)
    same = nm.evolve(idle, nm.init(idle, jax.random.key(0)))
    np.testing.assert_array_equal(same.weights, nm.init(idle, jax.random.key(0)).weights)
