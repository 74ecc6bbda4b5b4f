"""Cells, noise and conductances of networks: closed forms, published numbers, exact draws."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.cells import poisson_counts
from ngcmem.core import as_normal, as_uniform, next_bits, seeded

MASK = 2**32 - 1


def _xoshiro(state: list[int]) -> int:
    """The published program of xoshiro128++, on Python's whole numbers."""

    def rotated(x: int, by: int) -> int:
        return ((x << by) | (x >> (32 - by))) & MASK

    result = (rotated((state[0] + state[3]) & MASK, 7) + state[0]) & MASK
    shifted = (state[1] << 9) & MASK
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = rotated(state[3], 11)
    return result


def test_generators_give_the_bits_of_the_published_program() -> None:
    generators = seeded(jax.random.key(0), (3,))
    states = [[int(x) for x in np.asarray(generators)[:, i]] for i in range(3)]
    for _ in range(50):
        bits, generators = next_bits(generators)
        assert [int(x) for x in bits] == [_xoshiro(state) for state in states]


def test_normal_numbers_have_the_moments_and_tails_they_should() -> None:
    def step(generators, _):
        bits, generators = next_bits(generators)
        return generators, as_normal(bits)

    _, drawn = jax.lax.scan(step, seeded(jax.random.key(1), (2000,)), None, length=1000)
    x = np.asarray(drawn, np.float64)
    n = x.size**0.5
    assert abs(x.mean()) < 4 / n and abs(x.var() - 1) < 4 * 2**0.5 / n
    assert abs((x**3).mean()) < 4 * 15**0.5 / n and abs((x**4).mean() - 3) < 4 * 96**0.5 / n
    for bound in (1.0, 2.0, 3.0, 4.0):
        p = math.erfc(bound / 2**0.5)
        assert abs((np.abs(x) > bound).mean() - p) < 4 * (p / x.size) ** 0.5
    assert abs(np.corrcoef(x[:-1].ravel(), x[1:].ravel())[0, 1]) < 4 / n
    assert abs(np.corrcoef(x[:, :-1].ravel(), x[:, 1:].ravel())[0, 1]) < 4 / n
    ends = as_normal(jnp.array([0, 2**32 - 1], jnp.uint32))
    np.testing.assert_allclose(ends[0], -ends[1])
    assert 5.2 < float(ends[1]) < 5.5


@pytest.mark.parametrize("mean", [0.0, 0.01, 0.8, 2.0, 17.0, 64.0])
@pytest.mark.parametrize("several", [False, True])
def test_poisson_numbers_are_the_inverse_of_the_distribution_function(mean, several) -> None:
    uniform = (np.arange(2**16) + 0.5) / 2**16
    uniform = np.concatenate([uniform, [0.0, 1 - 2.0**-24]]).astype(np.float32)
    given = jnp.float32(mean)
    if several:
        given = jnp.broadcast_to(given, uniform.shape)
    found = np.asarray(poisson_counts(jnp.asarray(uniform), given))
    terms = np.exp(-mean) * np.cumprod(np.concatenate([[1.0], mean / np.arange(1, 256)]))
    passed = np.cumsum(terms)
    low = np.searchsorted(passed, uniform.astype(float) - 1e-6, side="right")
    high = np.searchsorted(passed, uniform.astype(float) + 1e-6, side="right")
    inner = slice(0, 2**16)
    assert ((low <= found) & (found <= high))[inner].all()
    assert found[-2] == 0 or mean > 16
    assert found[-1] < mean + 7 * mean**0.5 + 7


def test_poisson_input_has_its_rate_and_its_variance() -> None:
    source = nm.PoissonInput(
        units=4, sources=jnp.array([100.0, 1000.0, 0.0, 30.0]), rate=8.0, weight=0.5
    )
    state = nm.init(source, jax.random.key(0), batch=50)
    record = dict(mean=nm.drivers.Mean("outputs"), variance=nm.drivers.Variance("outputs"))
    _, seen = nm.run(source, state, steps=4000, dt=0.1, record=record)
    expected = np.array([0.08, 0.8, 0.0, 0.024])
    draws = 200_000
    sigma = 4 * (expected / draws) ** 0.5
    assert (np.abs(seen["mean"].mean(0) / 0.5 - expected) <= sigma).all()
    ratio = np.asarray(seen["variance"].mean(0) / seen["mean"].mean(0))[[0, 1, 3]]
    np.testing.assert_allclose(ratio / 0.5, 1.0, atol=0.03)
    too_many = nm.PoissonInput(units=2, sources=1e7, rate=100.0)
    state = nm.init(too_many, jax.random.key(0))
    assert np.isnan(nm.advance_state(too_many, state, dt=0.1).outputs).all()


def test_white_noise_brings_a_membrane_to_its_free_variance() -> None:
    circuit = nm.connect(
        dict(
            noise=nm.WhiteNoise(units=400, sigma=0.6, mean=0.02),
            cell=nm.LIF(units=400, tau=10.0, v_rest=0.0, v_threshold=1e3),
        ),
        [nm.wire("noise.outputs", to="cell.jump")],
    )
    state = nm.init(circuit, jax.random.key(0))
    state, _ = nm.run(circuit, state, duration=50.0, dt=0.1)
    record = dict(mean=nm.drivers.Mean("cell.v"), variance=nm.drivers.Variance("cell.v"))
    _, seen = nm.run(circuit, state, duration=2000.0, dt=0.1, record=record)
    assert float(seen["mean"].mean()) == pytest.approx(0.02 * 10.0, abs=0.03)
    assert float(seen["variance"].mean()) == pytest.approx(0.6**2 * 10.0 / 2, rel=0.03)


def test_noise_runs_on_after_a_reset_and_differs_between_examples() -> None:
    noise = nm.WhiteNoise(units=3)
    state = nm.advance_state(noise, nm.init(noise, jax.random.key(0), batch=2))
    assert (state.outputs[0] != state.outputs[1]).all()
    again = nm.advance_state(noise, nm.reset(noise, state))
    np.testing.assert_array_equal(again.outputs, nm.advance_state(noise, state).outputs)
    assert (again.outputs != state.outputs).all()
    more = nm.rebatch(noise, state, batch=3)
    other = nm.rebatch(noise, nm.init(noise, jax.random.key(5), batch=2), batch=3)
    assert (more.generators != other.generators).any()
    assert len(np.unique(np.asarray(more.generators), axis=0)) == 3


@pytest.mark.parametrize("tau, synapse", [(10.0, 0.5), (10.0, 20.0), (10.0, 10.0), (10.0, 9.9999)])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_a_cuba_cell_follows_the_closed_form(tau, synapse, dt) -> None:
    cell = nm.CubaLIF(units=1, tau=tau, tau_synapse=synapse, resistance=2.0, v_threshold=1e3)
    state = nm.init(cell, jax.random.key(0)).replace(inputs=[[3.0]])
    state = nm.advance_state(cell, state, dt=dt)  # the current jumps at the end of this step
    steps = round(30.0 / dt)
    _, seen = nm.run(cell, state.replace(inputs=[[0.0]]), steps=steps, dt=dt, record="v")
    t = dt * np.arange(1, steps + 1)
    if tau == synapse:
        expected = 6.0 * t / tau * np.exp(-t / tau)
    else:
        share = synapse / (tau - synapse)
        expected = 6.0 * share * (np.exp(-t / tau) - np.exp(-t / synapse))
    np.testing.assert_allclose(seen["v"][:, 0, 0], -65.0 + expected, atol=2e-5)


def test_the_columns_weight_gives_the_potential_it_was_made_for() -> None:
    """87.81 pA, as published, peak at 0.15 mV (Potjans and Diesmann 2014)."""
    cell = nm.CubaLIF(units=1, tau=10.0, tau_synapse=0.5, resistance=10.0 / 250.0, v_threshold=1e3)
    state = nm.init(cell, jax.random.key(0)).replace(inputs=[[87.81]])
    state = nm.advance_state(cell, state, dt=0.01).replace(inputs=[[0.0]])
    _, seen = nm.run(cell, state, steps=500, dt=0.01, record="v")
    assert float(seen["v"].max()) == pytest.approx(-65.0 + 0.15, abs=2e-5)


def test_a_conductance_cell_without_conductances_is_a_leaky_one() -> None:
    how = dict(tau=15.0, resistance=30.0, refractory_time=2.0)
    plain, other = nm.LIF(units=3, **how), nm.ConductanceLIF(units=3, **how)
    current = {"current": jnp.array([[0.2, 0.6, 1.5]])}
    runs = []
    for cell in (plain, other):
        state = nm.init(cell, jax.random.key(0))
        runs.append(nm.run(cell, state, steps=200, clamp=current, record=("v", "spikes"))[1])
    assert runs[0]["spikes"].sum() > 10
    np.testing.assert_allclose(runs[1]["v"], runs[0]["v"], rtol=1e-6)
    np.testing.assert_array_equal(runs[1]["spikes"], runs[0]["spikes"])


@pytest.mark.parametrize("dt", [0.1, 5.0])
def test_held_conductances_are_integrated_exactly(dt) -> None:
    cell = nm.ConductanceLIF(units=1, tau=20.0, v_rest=-60.0, v_threshold=1e3)
    state = nm.init(cell, jax.random.key(0))
    held = {"conductance": jnp.array([[3.0]]), "drive": jnp.array([[2.0 * 0.0 + 1.0 * -80.0]])}
    steps = round(20.0 / dt)
    _, seen = nm.run(cell, state, steps=steps, dt=dt, clamp=held, record="v")
    t = dt * np.arange(1, steps + 1)
    v_inf = (-60.0 - 80.0) / 4.0
    expected = v_inf + (-60.0 - v_inf) * np.exp(-t * 4.0 / 20.0)
    np.testing.assert_allclose(seen["v"][:, 0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("course", ["exponential", "alpha", "double_exponential"])
@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_conductances_follow_their_closed_forms(course, dt) -> None:
    part = nm.Conductance(units=1, tau=5.0, tau_rise=1.0, reversal=-70.0, course=course)
    state = nm.init(part, jax.random.key(0)).replace(inputs=[[0.8]])
    state = nm.advance_state(part, state, dt=dt)
    steps = round(20.0 / dt)
    names = ("g", "drive", "outputs")
    _, seen = nm.run(part, state.replace(inputs=[[0.0]]), steps=steps, dt=dt, record=names)
    t = dt * np.arange(1, steps + 1)
    if course == "exponential":
        expected = np.exp(-t / 5.0)
    elif course == "alpha":
        expected = t / 5.0 * np.exp(1 - t / 5.0)
    else:
        peak = np.log(5.0) * 5.0 / 4.0
        expected = (np.exp(-t / 5.0) - np.exp(-t)) / (np.exp(-peak / 5.0) - np.exp(-peak))
    np.testing.assert_allclose(seen["g"][:, 0, 0], 0.8 * expected, atol=2e-6)
    np.testing.assert_allclose(seen["drive"], -70.0 * seen["g"], rtol=1e-6)
    np.testing.assert_allclose(seen["outputs"], seen["g"] * (-70.0 - -71.0), rtol=1e-4)


def test_the_magnesium_block() -> None:
    """Jahr and Stevens (1990): half open at 20.5 mV below 0 with 1 mM."""
    part = nm.Conductance(units=4, magnesium=1.0)
    v = jnp.array([[-65.0, np.log(1 / 3.57) / 0.062, 40.0, -1e5]])
    state = nm.init(part, jax.random.key(0)).replace(inputs=jnp.ones((1, 4)), v=v)
    expected = 1 / (1 + 1 / 3.57 * np.exp(-0.062 * np.asarray(v[0, :3], np.float64)))
    found = nm.advance_state(part, state)
    np.testing.assert_allclose(found.g[0, :3], expected, rtol=1e-5)
    assert found.g[0, 1] == pytest.approx(0.5) and found.g[0, 3] == 0.0
    np.testing.assert_array_equal(found.conductance, 1.0)  # the block does not change what decays


def test_uniform_numbers_end_below_one() -> None:
    ends = as_uniform(jnp.array([0, 2**32 - 1], jnp.uint32))
    assert float(ends[0]) == 0.0 and float(ends[1]) == 1.0 - 2.0**-24


def test_jumps_reach_no_membrane_that_rests() -> None:
    cell = nm.LIF(units=1, v_rest=0.0, v_reset=0.0, v_threshold=10.0, refractory_time=3.0)
    state = nm.init(cell, jax.random.key(0))
    jumps = np.zeros((8, 1, 1), np.float32)
    jumps[0], jumps[2], jumps[6] = 12.0, 5.0, 5.0
    _, seen = nm.run(cell, state, steps=8, inputs={"jump": jumps}, record=("v", "spikes"))
    np.testing.assert_array_equal(np.flatnonzero(seen["spikes"]), [0])
    np.testing.assert_allclose(seen["v"][:7, 0, 0], [0, 0, 0, 0, 0, 0, 5.0], atol=1e-6)


def test_izhikevichs_network_of_2003_spike_for_spike() -> None:
    """The published program as a loop in float64: test, input, two half steps of v, one of u."""
    rng = np.random.default_rng(0)
    excitatory, size, steps = 80, 100, 300
    r = rng.random(size)
    inhibitory = np.arange(size) >= excitatory
    a = np.where(inhibitory, 0.02 + 0.08 * r, 0.02)
    b = np.where(inhibitory, 0.25 - 0.05 * r, 0.2)
    c = np.where(inhibitory, -65.0, -65.0 + 15.0 * r**2)
    d = np.where(inhibitory, 2.0, 8.0 - 6.0 * r**2)
    weights = rng.random((size, size)) * np.where(inhibitory, -10.0, 5.0)[:, None]  # pre, post
    noise = rng.normal(size=(steps, size)) * np.where(inhibitory, 2.0, 5.0)
    v, u = np.full(size, -65.0), b * -65.0
    spikes = np.zeros((steps, size), bool)
    for t in range(steps):
        fired = v >= 30.0
        v, u = np.where(fired, c, v), np.where(fired, u + d, u)
        current = noise[t] + weights[fired].sum(0)
        for _ in range(2):
            v = v + 0.5 * (0.04 * v**2 + 5.0 * v + 140.0 - u + current)
        u = u + a * (b * v - u)
        spikes[t] = v >= 30.0
    with jax.enable_x64(True):
        cell = nm.Izhikevich(units=size, a=a, b=b, c=c, d=d, integration="half_steps")
        circuit = nm.connect(
            dict(
                cell=cell,
                synapse=nm.Dense(inputs=size, outputs=size),
                noise=nm.RateCell(units=size, tau=1e-3, activation=_same),
            ),
            [
                nm.wire(nm.delayed("cell.spikes"), to="synapse.inputs"),
                nm.wire("noise.outputs", "synapse.outputs", to="cell.current"),
            ],
        )
        state = nm.init(circuit, jax.random.key(0)).set({"synapse.weights": weights})
        inputs = {"noise.inputs": noise[:, None]}
        _, seen = nm.run(circuit, state, steps=steps, inputs=inputs, record="cell.spikes")
    assert spikes.sum() > 100
    np.testing.assert_array_equal(np.asarray(seen["cell.spikes"])[:, 0] > 0, spikes)


def _same(x):
    return x
