"""Cells at the ends of their parameters' domains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

SHARP = nm.AdEx(units=1, slope=0, a=0.0, b=0.0)


def spike_count(cell: nm.AdEx, steps: int = 2000) -> jax.Array:
    state = nm.init(cell, jax.random.key(0)).set({"current": jnp.full((1, 1), 800.0)})
    return nm.run(cell, state, steps=steps, dt=0.1, record="spikes")[1]["spikes"].sum()


def test_adex_with_slope_0_is_an_integrate_and_fire_cell() -> None:
    """Its intervals are tau ln((v_inf - v_reset) / (v_inf - v_threshold)), up to the step."""
    tau, v_inf = 281.0 / 30.0, -70.6 + 800.0 / 30.0
    interval = tau * np.log((v_inf + 70.6) / (v_inf + 50.4))
    expected = 200.0 / (0.1 * np.ceil(interval / 0.1))
    assert abs(float(spike_count(SHARP)) - expected) <= 1.0
    slopes = jnp.array([0.0, 1e-3, -1.0])  # the limit, near it, and out of the domain
    counts = jax.vmap(lambda slope: spike_count(SHARP.replace(slope=slope)))(slopes)
    assert counts[0] == counts[1] == spike_count(SHARP)
    assert jnp.isnan(counts[2])


@pytest.mark.parametrize("tau", [0.0, jnp.inf])
def test_a_trace_forgets_at_once_or_never(tau: float) -> None:
    cell = nm.Trace(units=1, tau=tau)
    state = nm.init(cell, jax.random.key(0))
    inputs = {"inputs": jnp.ones((3, 1, 1))}
    seen = nm.run(cell, state, steps=3, inputs=inputs, record="trace")[1]["trace"].ravel()
    assert seen.tolist() == ([1.0, 1.0, 1.0] if tau == 0 else [1.0, 2.0, 3.0])


def test_graded_units_at_beta_0() -> None:
    memory = nm.ClassicalHopfield(features=4, response="graded", beta=0)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), jnp.ones((1, 4)))
    read = nm.read(memory, state, jnp.ones((1, 4)))
    assert read.outputs.tolist() == [[0.0] * 4] and read.energy.tolist() == [0.0]
