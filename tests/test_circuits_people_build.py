"""Nested columns, populations, memories as synapses, recording: circuits used for real."""

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm
from ngcmem import delayed, wire


def column():
    """Input synapse, cells with lateral inhibition, a trace as the read-out."""
    return nm.connect(
        dict(
            synapse=nm.STDP(inputs=4, outputs=4, scale=300.0),
            inhibition=nm.LateralInhibition(units=4, strength=20.0),
            cell=nm.LIF(units=4),
            trace=nm.Trace(units=4),
            pre=nm.Trace(units=4),
        ),
        wires=[
            wire("synapse.outputs", "-inhibition.outputs", to="cell.current"),
            wire(delayed("cell.spikes"), to="inhibition.inputs"),
            wire("cell.spikes", to="trace.inputs"),
            wire("synapse.inputs", to="pre.inputs"),
            wire("pre.trace", to="synapse.pre_trace"),
            wire("trace.trace", to="synapse.post_trace"),
            wire("cell.spikes", to="synapse.post"),
        ],
    )


def cortex():
    """One column used three times: a feeds b, both feed c two steps later."""
    return nm.connect(
        dict(source=nm.Poisson(units=4, rate=300.0), a=column(), b=column(), c=column()),
        wires=[
            wire("source.spikes", to="a.synapse.inputs"),
            wire("a.cell.spikes", to="b.synapse.inputs"),
            wire(
                delayed("a.cell.spikes", steps=2),
                delayed("b.cell.spikes", steps=2),
                to="c.synapse.inputs",
            ),
        ],
    )


def test_a_column_reused_three_times_is_three_columns():
    circuit = cortex()
    state = nm.init(circuit, jax.random.key(0), batch=2)
    record = ("source.spikes", "a.cell.spikes", "b.cell.spikes", "c.cell.spikes")
    held = {"source.inputs": jnp.ones((2, 4))}
    final, seen = nm.run(circuit, state, steps=80, clamp=held, record=record, learn=True)
    assert all(seen[name].sum() > 0 for name in record)
    weights = [np.asarray(final[f"{name}.synapse.weights"]) for name in "abc"]
    assert not np.allclose(weights[0], weights[1]) and not np.allclose(weights[1], weights[2])

    # The same three columns one after the other, fed by hand with what was recorded.
    spikes = {name: np.asarray(seen[f"{name}.cell.spikes"]) for name in "ab"}
    late = np.zeros_like(spikes["a"])
    late[2:] = spikes["a"][:-2] + spikes["b"][:-2]
    fed = dict(a=seen["source.spikes"], b=spikes["a"], c=late)
    for name, drive in fed.items():
        alone, found = nm.run(
            circuit[name],
            state[name],
            steps=80,
            inputs={"synapse.inputs": drive},
            record="cell.spikes",
            learn=True,
        )
        np.testing.assert_array_equal(found["cell.spikes"], seen[f"{name}.cell.spikes"])
        np.testing.assert_allclose(alone["synapse.weights"], final[f"{name}.synapse.weights"])


def test_recording_every_kth_step_counts_and_indices_agree_with_the_raster():
    circuit = nm.connect(
        dict(
            source=nm.Poisson(units=6, rate=200.0),
            count=nm.SpikeCount(units=6),
            raster=nm.SpikeIndices(units=6, max_spikes=6),
        ),
        wires=[
            wire("source.spikes", to="count.inputs"),
            wire("source.spikes", to="raster.inputs"),
        ],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    held = {"source.inputs": jnp.ones((2, 6))}
    names = ("source.spikes", "count.counts", "raster.indices")
    _, seen = nm.run(circuit, state, steps=60, clamp=held, record=names)
    final, some = nm.run(circuit, state, steps=60, clamp=held, record=names, record_every=15)
    spikes = np.asarray(seen["source.spikes"])
    for name in names:
        np.testing.assert_array_equal(some[name], np.asarray(seen[name])[14::15])
    np.testing.assert_array_equal(some["count.counts"], spikes.cumsum(0)[14::15])
    np.testing.assert_array_equal(final["count.counts"], spikes.sum(0))
    rebuilt = np.zeros_like(spikes)
    steps, examples, places = np.nonzero(np.asarray(seen["raster.indices"]) >= 0)
    rebuilt[steps, examples, np.asarray(seen["raster.indices"])[steps, examples, places]] = 1.0
    np.testing.assert_array_equal(rebuilt, spikes)


def test_a_population_of_cells_is_its_members():
    taus = jnp.array([10.0, 20.0, 40.0])
    many = nm.Population(member=nm.LIF(units=2, tau=taus), count=3, varying=("tau",))
    state = nm.init(many, jax.random.key(0))
    current = jnp.full((1, 3, 2), 25.0)
    _, seen = nm.run(many, state, steps=100, clamp={"current": current}, record="spikes")
    for i, tau in enumerate(taus):
        cell = nm.LIF(units=2, tau=tau)
        alone = nm.run(
            cell,
            nm.init(cell, jax.random.key(0)),
            steps=100,
            clamp={"current": current[:, i]},
            record="spikes",
        )[1]["spikes"]
        np.testing.assert_array_equal(seen["spikes"][:, :, i], alone)


def test_a_memory_used_as_a_synapse():
    """Spikes in, a recalled pattern as the current out: the memory stands where weights would."""
    patterns = jnp.array([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    circuit = nm.connect(
        dict(
            cue=nm.Poisson(units=6, rate=300.0),
            smooth=nm.Trace(units=6),
            memory=nm.Hopfield(slots=4, features=6, beta=2.0),
            gain=nm.Dense(
                inputs=6, outputs=6, weight_init=lambda key, shape: 40.0 * jnp.eye(shape[0])
            ),
            cell=nm.LIF(units=6),
            count=nm.SpikeCount(units=6),
        ),
        wires=[
            wire("cue.spikes", to="smooth.inputs"),
            wire("smooth.trace", to="memory.inputs"),
            wire("memory.outputs", to="gain.inputs"),
            wire("gain.outputs", to="cell.current"),
            wire("cell.spikes", to="count.inputs"),
        ],
    )
    state = nm.init(circuit, jax.random.key(0), batch=2)
    state = state.set({"memory": nm.store(circuit["memory"], state["memory"], patterns)})
    cues = patterns * jnp.array([1.0, 1, 0, 1, 0, 1])  # a third of each pattern is missing
    final, _ = nm.run(circuit, state, steps=150, clamp={"cue.inputs": cues})
    counts = np.asarray(final["count.counts"])
    assert np.all((counts > 0.5 * counts.max()) == (np.asarray(patterns) > 0))


def test_surrogate_gradients_reach_through_a_run_of_spiking_layers():
    circuit = nm.connect(
        dict(
            first=nm.Dense(inputs=3, outputs=5, scale=40.0),
            hidden=nm.LIF(units=5),
            second=nm.Dense(inputs=5, outputs=2, scale=100.0),
            cell=nm.LIF(units=2),
            count=nm.SpikeCount(units=2),
        ),
        wires=[
            wire("first.outputs", to="hidden.current"),
            wire("hidden.spikes", to="second.inputs"),
            wire("second.outputs", to="cell.current"),
            wire("cell.spikes", to="count.inputs"),
        ],
    )
    state = nm.init(circuit, jax.random.key(1), batch=4)
    x = jax.random.uniform(jax.random.key(2), (4, 3))

    def spikes(params):
        final, _ = nm.run(circuit, state.set(params), steps=30, clamp={"first.inputs": x})
        return final["count.counts"].sum()

    gradients = jax.grad(spikes)(nm.parameters(state))
    assert all(np.abs(gradients[f"{name}.weights"]).sum() > 0 for name in ("first", "second"))
    assert all(np.isfinite(g).all() for g in gradients.values())
