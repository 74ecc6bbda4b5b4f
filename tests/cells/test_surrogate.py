"""Surrogate gradients: exact spikes forward, the named slope backward."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.cells import spike, surrogate_shape

X = np.array([-7.0, -1.0, -0.3, 0.0, 0.4, 2.0])
SLOPES = {  # at x / width, in float64, from the papers' formulas
    "fast_sigmoid": lambda x: 1 / (1 + abs(x)) ** 2,
    "sigmoid": lambda x: 4 * np.exp(-x) / (1 + np.exp(-x)) ** 2,
    "arctan": lambda x: 1 / (1 + (np.pi * x / 2) ** 2),
    "gaussian": lambda x: np.exp(-(x**2) / 2),
    "triangle": lambda x: np.maximum(0, 1 - abs(x)),
    "box": lambda x: (abs(x) <= 0.5) * 1.0,
    "straight_through": lambda x: np.ones_like(x),
}


@pytest.mark.parametrize("name", SLOPES)
def test_forward_is_a_step_and_backward_the_named_slope(name):
    x = jnp.asarray(X)
    np.testing.assert_array_equal(spike(x, 2.0, name), X >= 0)
    slope = jax.grad(lambda x: spike(x, 2.0, name).sum())(x)
    np.testing.assert_allclose(slope, SLOPES[name](X / 2.0) / 2.0, rtol=2e-6)
    _, forward = jax.jvp(lambda x: spike(x, 2.0, name), (x,), (jnp.ones_like(x),))
    np.testing.assert_allclose(forward, slope, rtol=1e-6)
    assert surrogate_shape(name)(jnp.zeros(())) == 1.0


def test_a_function_of_ones_own_and_vmap_over_the_width():
    def mine(x):
        return jnp.maximum(0.0, 1.0 - x * x)

    widths = jnp.array([1.0, 2.0, 4.0])
    slopes = jax.vmap(jax.grad(lambda w, x: spike(x, w, mine), argnums=1), (0, None))(
        widths, jnp.asarray(0.5)
    )
    np.testing.assert_allclose(slopes, (1 - (0.5 / np.asarray(widths)) ** 2) / widths, rtol=1e-6)


def test_a_width_that_is_not_above_0_is_refused_or_gives_no_number():
    x = jnp.array([-0.5, 0.5])
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match=r"spike: width is a number in \(0, inf\), got"):
            spike(x, wrong)
        slope = jax.jit(jax.grad(lambda x, width: spike(x, width).sum()))(x, wrong)
        assert np.isnan(slope).all()
