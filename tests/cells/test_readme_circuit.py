"""The spiking circuit of the design's first page, as printed there."""

import jax
import numpy as np

import ngcmem as nm
from ngcmem import delayed, wire


def test_the_spiking_circuit_of_the_first_page_runs_spikes_and_learns():
    spiking = nm.connect(
        dict(
            pixels=nm.Poisson(units=784),
            pre=nm.Trace(units=784),
            synapse=nm.STDP(inputs=784, outputs=100),
            inhibition=nm.Dense(inputs=100, outputs=100),
            cell=nm.LIF(units=100, tau=20.0),
            post=nm.Trace(units=100),
        ),
        wires=[
            wire("pixels.spikes", to="synapse.inputs"),
            wire("synapse.outputs", "-inhibition.outputs", to="cell.current"),
            wire(delayed("cell.spikes"), to="inhibition.inputs"),
            wire("pixels.spikes", to="pre.inputs"),
            wire("cell.spikes", to="post.inputs"),
            wire("pre.trace", to="synapse.pre_trace"),
            wire("post.trace", to="synapse.post_trace"),
            wire("cell.spikes", to="synapse.post"),
        ],
    )
    state = nm.init(spiking, jax.random.key(0), batch=4)
    images = np.random.default_rng(0).random((4, 784)).astype(np.float32)
    after, seen = nm.run(
        spiking,
        state,
        steps=60,
        dt=1.0,
        clamp={"pixels.inputs": images},
        record=("cell.spikes", "cell.v"),
        learn=True,
    )
    assert seen["cell.spikes"].shape == (60, 4, 100)
    assert seen["cell.spikes"].sum() > 0
    weights = np.asarray(after["synapse.weights"])
    assert np.abs(weights - np.asarray(state["synapse.weights"])).max() > 1e-3
    assert weights.min() >= 0.0 and weights.max() <= 1.0
