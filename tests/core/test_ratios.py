"""Quotients of exponentials and logarithms against NumPy's float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcmem.core import expm1_quotient, expm1_ratio, log1p_ratio

LEADS = np.concatenate([-np.logspace(-9, 4, 800), np.logspace(-9, 0, 300), [0.0]])


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("factor", [1e-30, 1e-6, 0.01, 1.0, 30.0])
def test_expm1_quotient_has_all_its_digits(factor: float, x64: bool) -> None:
    with jax.enable_x64(x64):
        dtype, digits = (np.float64, 2e-15) if x64 else (np.float32, 1e-6)
        x = LEADS.astype(dtype)
        factor = float(dtype(factor))
        found = np.asarray(jax.jit(expm1_quotient)(x, dtype(factor)))
        assert found.dtype == dtype
        right = np.expm1(factor * x.astype(np.float64)) / factor
        np.testing.assert_allclose(found, right, rtol=digits)


def test_expm1_quotient_at_the_ends() -> None:
    x = jnp.array([-2.0, 0.0, 3.0, -jnp.inf, jnp.nan])
    np.testing.assert_array_equal(expm1_quotient(x, jnp.float32(0.0))[:3], x[:3])
    np.testing.assert_array_equal(expm1_quotient(x, jnp.float32(4.0))[3:], [-0.25, np.nan])
    assert np.isnan(expm1_quotient(x, jnp.float32(np.nan))).all()


@pytest.mark.parametrize("factor", [1e-25, 1e-4, 0.5, 4.0])
def test_derivatives_of_expm1_quotient(factor: float) -> None:
    """By x e^(fx), by f the integral of t e^(ft) from 0 to x, and theirs."""
    with jax.enable_x64(True):
        x = jnp.array([-5.0, -0.3, -0.2, -1e-3, 0.0, 0.2])
        f = jnp.float64(factor)
        by_x = jax.vmap(jax.grad(expm1_quotient, 0), (0, None))
        by_f = jax.vmap(jax.grad(expm1_quotient, 1), (0, None))
        twice = jax.vmap(jax.grad(jax.grad(expm1_quotient, 1), 1), (0, None))
        np.testing.assert_allclose(by_x(x, f), np.exp(factor * x), rtol=1e-13)
        t = np.polynomial.legendre.leggauss(40)
        nodes = np.asarray(x)[:, None] * (t[0] + 1) / 2
        sizes = np.asarray(x)[:, None] * t[1] / 2
        first = (sizes * nodes * np.exp(factor * nodes)).sum(1)
        second = (sizes * nodes**2 * np.exp(factor * nodes)).sum(1)
        np.testing.assert_allclose(by_f(x, f), first, rtol=1e-12, atol=1e-18)
        np.testing.assert_allclose(twice(x, f), second, rtol=1e-11, atol=1e-18)


def test_ratios_against_numpy() -> None:
    x = np.concatenate([-np.logspace(-6, -0.01, 60), np.logspace(-6, 1, 60)]).astype(np.float32)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(expm1_ratio(jnp.asarray(x)), np.expm1(wide) / wide, rtol=1e-6)
    np.testing.assert_allclose(log1p_ratio(jnp.asarray(x)), np.log1p(wide) / wide, rtol=1e-6)
    assert expm1_ratio(jnp.zeros(())) == 1 == log1p_ratio(jnp.zeros(()))
