"""Helpers of the cells' tests: short runs, a SciPy solver with resets, orders of convergence."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import ngcmem as nm


def simulate(cell, current, steps, dt, record):
    """One unit driven by a constant current: recorded arrays of shape (steps,)."""
    state = nm.init(cell, jax.random.key(0))
    name = "current" if "current" in state.specs() else "inputs"
    drive = {name: jnp.full(state[name].shape, current, state[name].dtype)}
    _, seen = nm.run(cell, state, steps=steps, dt=dt, clamp=drive, record=record)
    return {key: np.asarray(value)[:, 0, 0] for key, value in seen.items()}


def solve_spiking(derivative, start, peak, reset, duration):
    """Spike times of a model with an analytic reset, by solve_ivp with events (float64)."""

    def event(t, y):
        return y[0] - peak

    event.terminal, event.direction = True, 1.0
    t, y, spikes = 0.0, np.asarray(start, float), []
    while t < duration:
        found = solve_ivp(
            derivative,
            (t, duration),
            y,
            events=event,
            method="DOP853",
            rtol=1e-9,
            atol=1e-9,
            max_step=0.5,
        )
        t, y = found.t[-1], found.y[:, -1]
        if found.status != 1:
            break
        spikes.append(t)
        y = np.asarray(reset(y), float)
    return np.asarray(spikes)


def spike_times(spikes, dt):
    """When each spike of a (steps,) raster fell: the end of its step, ms."""
    return (np.flatnonzero(spikes) + 1) * dt


def order(errors):
    """The measured order of convergence for a step halved each time."""
    return np.log2(np.asarray(errors[:-1]) / np.asarray(errors[1:]))


@pytest.fixture(scope="session")
def reference():
    """The helpers of this file."""
    return SimpleNamespace(
        simulate=simulate, solve_spiking=solve_spiking, spike_times=spike_times, order=order
    )
