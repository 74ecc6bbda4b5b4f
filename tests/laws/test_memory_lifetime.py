"""How long complex synapses keep a memory: the exact laws, and the components against them."""

import jax
import numpy as np
import pytest
import scipy.linalg

import ngcmem as nm
from ngcmem.analysis import benna_fusi_snr, cascade_snr, measured_snr, memory_lifetime
from ngcmem.synapses import exchange_matrix

LIFETIMES = {  # synapses: stages, read before the relaxation, after it; Benna and Fusi (2016)
    10**4: (5, 1116, 1184),
    10**5: (6, 9183, 9598),
    10**6: (8, 75896, 79017),
}
CASCADE = {10**4: (8, 88), 10**5: (10, 320), 10**6: (12, 1047)}  # Fusi, Drew and Abbott (2005)


def test_the_chain_is_the_published_one() -> None:
    matrix = exchange_matrix(3)
    thin = 2.0 ** -np.arange(3, 6)
    np.testing.assert_allclose(matrix[0], [-thin[0], thin[0], 0])
    np.testing.assert_allclose(matrix[1], np.array([thin[0], -thin[0] - thin[1], thin[1]]) / 2)
    np.testing.assert_allclose(matrix[2], np.array([0, thin[1], -thin[1] - thin[2]]) / 4)


@pytest.mark.parametrize("relaxed", [False, True])
def test_signal_to_noise_is_that_of_matrix_exponentials(relaxed: bool) -> None:
    ages = np.arange(100)
    step, kept, power = scipy.linalg.expm(exchange_matrix(4)), [], np.eye(4)
    for _ in range(60_000):
        kept.append(power[0, 0])
        power = step @ power
    kept = np.array(kept[1:] if relaxed else kept[:-1])
    expected = np.sqrt(4000) * kept / np.sqrt((kept**2).sum())
    found = benna_fusi_snr(ages, 4000, 4, relaxed=relaxed)
    np.testing.assert_allclose(found, expected[:100], rtol=1e-9)


def test_a_memory_fades_as_the_root_of_its_age() -> None:
    ages = np.geomspace(10, 2.0**12, 60)
    slope = np.polyfit(np.log(ages), np.log(benna_fusi_snr(ages, 1, 8)), 1)[0]
    assert abs(slope + 0.5) <= 0.02


@pytest.mark.parametrize("synapses", LIFETIMES)
def test_lifetimes_of_the_chain(synapses: int) -> None:
    stages, before, after = LIFETIMES[synapses]
    for relaxed, published in ((False, before), (True, after)):
        found = memory_lifetime(lambda age: benna_fusi_snr(age, synapses, stages, relaxed=relaxed))  # noqa: B023
        assert abs(found / published - 1) <= 0.02


@pytest.mark.parametrize("synapses", CASCADE)
def test_lifetimes_of_the_cascade(synapses: int) -> None:
    stages, published = CASCADE[synapses]
    found = memory_lifetime(lambda age: cascade_snr(age, synapses, stages))
    assert abs(found / published - 1) <= 0.05
    assert cascade_snr(0, synapses, stages) == pytest.approx(2 * np.sqrt(synapses) / stages)


def _stream(component: nm.Component, memories: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Weights after each of so many random memories of +-1, and the memories."""
    synapses = component.synapse.outputs
    events = np.random.default_rng(seed).choice([-1.0, 1.0], (memories, 1, synapses))
    state = nm.init(component, jax.random.key(seed))
    state = state.set({"inputs": np.ones((1, 1)), "weights": 0 * state["weights"]})
    if isinstance(component, nm.BennaFusi):
        state = state.set({"chain": 0 * state["chain"]})
    _, seen = nm.run(
        component,
        state,
        steps=memories,
        inputs={"post": events.astype(np.float32)},
        record=("weights", "post"),
        learn=True,
    )
    # What is recorded in a step are the weights before it learns.
    weights = np.asarray(seen["weights"])[1:, 0]
    return weights, events[:-1, 0]


def _hebbian(synapses: int) -> nm.Hebbian:
    return nm.Hebbian(inputs=1, outputs=synapses, eta=1.0, bounds="none")


@pytest.mark.parametrize(("stages", "ages"), [(4, [0, 1, 3, 10, 30, 100])])
def test_the_chain_keeps_memories_as_long_as_the_law_says(stages: int, ages: list[int]) -> None:
    component = nm.BennaFusi(synapse=_hebbian(4000), stages=stages)
    found = measured_snr(*_stream(component, 700), ages, begin=200)
    law = benna_fusi_snr(ages, 4000, stages, relaxed=True)
    np.testing.assert_allclose(found.snr, law, rtol=0.1)


def test_the_cascade_keeps_memories_as_long_as_the_law_says() -> None:
    component = nm.FusiCascade(synapse=_hebbian(4000), stages=6, weak=-1.0, strong=1.0)
    ages = [0, 1, 3, 10, 30]
    found = measured_snr(*_stream(component, 900), ages, begin=100)
    np.testing.assert_allclose(found.snr, cascade_snr(ages, 4000, 6), rtol=0.1)


def test_a_grid_keeps_memories_almost_as_long() -> None:
    component = nm.BennaFusi(synapse=_hebbian(4000), stages=4, grid=1.0, bound=10.0)
    weights, events = _stream(component, 700)
    assert set(np.unique(weights)) <= set(np.arange(-10.0, 11.0))
    found = measured_snr(weights, events, [0, 1, 3, 10, 30, 100], begin=200)
    # Measured independently in NumPy, three seeds: docs/complex_synapses.md.
    np.testing.assert_allclose(found.snr, [14.9, 13.2, 10.7, 6.6, 3.9, 2.2], rtol=0.12)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="ages are 0 or more"):
        benna_fusi_snr(-1, 100, 3)
    with pytest.raises(ValueError, match="whole numbers of memories"):
        cascade_snr(0.5, 100, 3)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        cascade_snr(1, 100, 1)
    with pytest.raises(ValueError, match="stays above 1"):
        memory_lifetime(lambda age: 2.0)
    with pytest.raises(ValueError, match="of one shape"):
        measured_snr(np.ones((3, 2)), np.ones((3, 3)), [0], begin=0)
    with pytest.raises(ValueError, match="begin is from the largest age, 5"):
        measured_snr(np.ones((9, 2)), np.ones((9, 2)), [5], begin=4)
