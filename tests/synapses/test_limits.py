"""Synapses whose time constants are equal, 0 or infinite."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

ONE = jax.nn.initializers.constant(1.0)


def response(synapse: nm.Component[Any], steps: int, dt: float, at: tuple[int, ...] = (0,)) -> Any:
    spikes = jnp.zeros((steps, 1, 1)).at[jnp.array(at)].set(1.0)
    state = nm.init(synapse, jax.random.key(0))
    run = nm.run(synapse, state, steps=steps, dt=dt, inputs={"inputs": spikes}, record="outputs")
    return np.asarray(run[1]["outputs"]).ravel()


def double_exponential(rise: Any, decay: Any) -> nm.DoubleExponentialSynapse:
    return nm.DoubleExponentialSynapse(
        inputs=1, outputs=1, tau_rise=rise, tau_decay=decay, weight_init=ONE
    )


@pytest.mark.parametrize("decay", [2.0, np.nextafter(np.float32(2), np.float32(3)), 2.00002])
def test_equal_time_constants_are_the_alpha_function(decay: Any) -> None:
    t = 0.5 * np.arange(40)
    expected = t / 2.0 * np.exp(1.0 - t / 2.0)
    found = response(double_exponential(2.0, decay), 40, 0.5)
    np.testing.assert_allclose(found, expected, atol=6e-6)
    swept = jax.vmap(lambda tau: double_exponential(2.0, tau).time_to_peak())(jnp.array([2.0, 5.0]))
    np.testing.assert_allclose(swept, [2.0, 10.0 / 3.0 * np.log(2.5)], rtol=1e-6)


@pytest.mark.parametrize(("rise", "decay"), [(1.0, 5.0), (5.0, 1.0), (2.0, 2.3), (0.01, 20.0)])
def test_two_time_constants_in_either_order(rise: float, decay: float) -> None:
    t = 0.5 * np.arange(40)

    def difference(t: Any) -> Any:
        return np.exp(-t / decay) - np.exp(-t / rise)

    top = rise * decay / (decay - rise) * np.log(decay / rise)
    found = response(double_exponential(rise, decay), 40, 0.5)
    np.testing.assert_allclose(found, difference(t) / difference(top), atol=2e-6)


def test_depression_alone_and_no_recovery() -> None:
    """tau_facilitation=0: every spike uses U; tau_depression=inf: what is used is gone."""
    synapse = nm.TsodyksMarkram(
        inputs=1,
        outputs=1,
        utilisation=0.5,
        tau_facilitation=0.0,
        tau_depression=jnp.inf,
        weight_init=ONE,
    )
    found = response(synapse, 4, 1.0, at=(0, 1, 2, 3))
    np.testing.assert_allclose(found, [0.5, 0.25, 0.125, 0.0625], rtol=1e-6)


@pytest.mark.parametrize("bounds", ["hard", "soft"])
def test_bounds_that_cross_are_refused_or_nan(bounds: str) -> None:
    low = jnp.full((4, 1), 0.6)
    for options in (dict(weight_min=2.0), dict(weight_min=low, weight_max=0.5)):
        with pytest.raises(ValueError, match=r"STDP: weight_min=(.|\n)* is above weight_max="):
            nm.STDP(inputs=4, outputs=2, bounds=bounds, **options)
    synapse = nm.STDP(inputs=4, outputs=2, bounds=bounds)
    state = nm.init(synapse, jax.random.key(0)).replace(
        inputs=jnp.ones((1, 4)), pre_trace=jnp.ones((1, 4)), post=jnp.ones((1, 2))
    )
    evolved = jax.vmap(lambda low: nm.evolve(synapse.replace(weight_min=low), state).weights)
    found = evolved(jnp.array([0.0, 1.0, 1.001]))
    assert np.isfinite(found[:2]).all() and np.isnan(found[2]).all()
    nm.STDP(inputs=4, outputs=2, bounds="none", weight_min=2.0)  # nothing is bounded


def test_bounds_may_be_axes() -> None:
    synapse = nm.STDP(inputs=4, outputs=2)
    axes = jax.tree.map(lambda _: None, synapse).replace(weight_max=0, eta=0)
    state = nm.init(synapse, jax.random.key(0)).replace(weights=jnp.full((4, 2), 0.9))
    state = state.replace(pre_trace=jnp.ones((1, 4)), post=jnp.ones((1, 2)))
    several = synapse.replace(weight_max=jnp.array([0.5, 1.0]), eta=jnp.full(2, 0.01))
    learned = jax.vmap(lambda one: nm.evolve(one, state).weights, in_axes=(axes,))(several)
    assert (learned[0] == 0.5).all() and (learned[1] > 0.9).all()
