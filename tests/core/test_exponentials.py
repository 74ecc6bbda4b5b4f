"""Exponentials relative to the largest, under a compiler that computes a product twice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.core import log_sum_exp


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("size", [1e3, 1e8, 1e11, 1e30])
def test_the_logarithm_of_a_sum_is_finite_where_its_terms_are_scaled(size: float) -> None:
    energies = jnp.asarray([1.0, 1.0 + 1e-6, 1.5]) * size * 2e-6

    @jax.jit
    def scaled(energies: jax.Array, sigma: float) -> jax.Array:
        return log_sum_exp(-energies, 1.0 / (2.0 * sigma**2))

    exact = -np.asarray(energies, np.float64) / 2e-6
    exact = exact.max() + np.log(np.exp(exact - exact.max()).sum())
    np.testing.assert_allclose(scaled(energies, 1e-3), exact, rtol=1e-6)
    slopes = jax.jit(jax.grad(scaled))(energies, 1e-3)
    assert np.isfinite(slopes).all() and float(slopes[0]) < 0


def test_values_and_derivatives() -> None:
    with jax.enable_x64():
        x = np.array([0.3, -1.2, 2.0])
        shares = np.exp(2 * x) / np.exp(2 * x).sum()
        expected = np.log(np.exp(2 * x).sum())
        np.testing.assert_allclose(log_sum_exp(jnp.asarray(x), 2.0), expected, rtol=1e-14)
        by_values, by_scale = jax.grad(log_sum_exp, (0, 1))(jnp.asarray(x), 2.0)
        np.testing.assert_allclose(by_values, 2 * shares, rtol=1e-14)
        np.testing.assert_allclose(by_scale, shares @ x, rtol=1e-14)
        hessian = 4 * (np.diag(shares) - np.outer(shares, shares))
        found = jax.hessian(log_sum_exp)(jnp.asarray(x), 2.0)
        np.testing.assert_allclose(found, hessian, atol=1e-14)
    assert np.isnan(float(log_sum_exp(jnp.array([0.0, jnp.nan]), 1.0)))
