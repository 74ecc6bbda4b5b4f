"""Several spikes in a step are several spikes: what arrives added up is taken one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import wire

ONE_BY_ONE = {  # name: component, its spike input, what a step adds up over the spikes
    "TsodyksMarkram": (nm.TsodyksMarkram(inputs=3, outputs=2), "inputs", ("outputs",)),
    "ExponentialSynapse": (nm.ExponentialSynapse(inputs=3, outputs=2), "inputs", ()),
    "DoubleExponentialSynapse": (nm.DoubleExponentialSynapse(inputs=3, outputs=2), "inputs", ()),
    "Trace": (nm.Trace(units=3), "inputs", ()),
    "Trace nearest": (nm.Trace(units=3, pairing="nearest"), "inputs", ()),
    "SpikeCount": (nm.SpikeCount(units=3), "inputs", ()),
    "Dense": (nm.Dense(inputs=3, outputs=2), "inputs", ("outputs",)),
    "STDP": (nm.STDP(inputs=3, outputs=2), "inputs", ("outputs",)),
    "Sparse": (nm.Sparse(inputs=3, outputs=2, connections=2), "inputs", ("outputs",)),
    "LateralInhibition": (nm.LateralInhibition(units=3), "inputs", ("outputs",)),
}


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_three_spikes_in_a_step_are_three_steps_of_one_spike_without_time_between(name):
    component, where, summed = ONE_BY_ONE[name]
    counts = np.array([[0.0, 1.0, 3.0]], np.float32)
    begin = nm.init(component, jax.random.key(0))
    for _ in range(2):  # from a state with a past
        begin = nm.advance_state(component, begin.set({where: np.float32([[1, 1, 0]])}), dt=3.0)
    together = nm.advance_state(component, begin.set({where: counts}), dt=2.0)
    apart, total, dt = begin, dict.fromkeys(summed, 0.0), 2.0
    for n in range(3):
        spikes = (counts > n).astype(np.float32)
        apart = nm.advance_state(component, apart.set({where: spikes}), dt=dt)
        total = {path: total[path] + np.asarray(apart[path]) for path in summed}
        dt = 1e-6  # ms
    for path, spec in together.specs().items():
        if path == where or spec.role is not nm.core.Role.PER_EXAMPLE:
            continue
        expected = total.get(path, apart[path])
        np.testing.assert_allclose(together[path], expected, rtol=3e-6, atol=3e-6, err_msg=path)


@pytest.mark.parametrize("spikes", [1, 2, 5, 50])
def test_no_number_of_spikes_uses_more_than_there_is(spikes):
    for utilisation in (0.05, 0.5, 1.0):
        synapse = nm.TsodyksMarkram(inputs=1, outputs=1, utilisation=utilisation)
        state = nm.init(synapse, jax.random.key(0))
        for _ in range(3):
            state = nm.advance_state(synapse, state.replace(inputs=[[float(spikes)]]))
            assert 0.0 <= float(state.resources[0, 0]) <= 1.0
            assert 0.0 <= float(state.release[0, 0]) <= 1.0


def test_two_sources_on_one_synapse():
    circuit = nm.connect(
        dict(
            first=nm.Bernoulli(units=3),
            second=nm.Bernoulli(units=3),
            synapse=nm.TsodyksMarkram(inputs=3, outputs=2),
        ),
        [wire("first.spikes", "second.spikes", to="synapse.inputs")],
    )
    state = nm.init(circuit, jax.random.key(0))
    ones = np.ones((1, 3), np.float32)
    state, seen = nm.run(
        circuit,
        state,
        steps=1,
        clamp={"first.inputs": ones, "second.inputs": ones},
        record=("synapse.resources", "synapse.release"),
    )
    np.testing.assert_array_equal(state["synapse.inputs"], 2.0)
    # U = 1/2 from rest: 1 -> 1/2 with u = 1/2, then u = 3/4 leaves an eighth.
    np.testing.assert_allclose(seen["synapse.release"], 0.75, rtol=1e-6)
    np.testing.assert_allclose(seen["synapse.resources"], 0.125, rtol=1e-6)


def test_every_spike_makes_its_pairs():
    pre, post = np.float32([[2.0, 0.0]]), np.float32([[3.0, 1.0]])
    traces = dict(pre_trace=np.float32([[2.5, 0.5]]), post_trace=np.float32([[3.2, 1.1]]))
    synapse = nm.STDP(inputs=2, outputs=2, a_plus=1.0, a_minus=0.5)
    state = nm.init(synapse, jax.random.key(0)).replace(inputs=pre, post=post, **traces)
    grown = traces["pre_trace"][0][:, None] * post[0]
    expected = grown - 0.5 * pre[0][:, None] * traces["post_trace"][0]
    np.testing.assert_allclose(nm.weight_changes(synapse, state), expected, rtol=1e-6)
    watch = nm.Eligibility(inputs=2, outputs=2, a_plus=1.0, a_minus=0.5)
    state = nm.init(watch, jax.random.key(0)).replace(inputs=pre, post=post, **traces)
    np.testing.assert_allclose(nm.advance_state(watch, state).eligibility[0], expected, rtol=1e-6)


def test_of_several_spikes_every_one_meets_the_slow_trace_of_those_before_it():
    amplitudes = dict(a2_plus=0.3, a2_minus=0.2, a3_plus=0.7, a3_minus=0.4)
    synapse = nm.TripletSTDP(inputs=2, outputs=2, **amplitudes)
    pre, post = np.array([2.0, 1.0]), np.array([3.0, 0.0])
    slow_pre, slow_post = np.array([0.4, 0.9]), np.array([0.2, 0.8])  # before the step
    r1, o1 = np.array([2.5, 1.1]), np.array([3.3, 0.7])  # with the spikes of the step
    expected = np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            for n in range(int(post[j])):
                expected[i, j] += r1[i] * (0.3 + 0.7 * (slow_post[j] + n))
            for n in range(int(pre[i])):
                expected[i, j] -= o1[j] * (0.2 + 0.4 * (slow_pre[i] + n))
    state = nm.init(synapse, jax.random.key(0)).replace(
        inputs=pre[None],
        post=post[None],
        pre_trace=r1[None],
        post_trace=o1[None],
        pre_slow=(slow_pre + pre)[None],
        post_slow=(slow_post + post)[None],
    )
    np.testing.assert_allclose(nm.weight_changes(synapse, state), expected, rtol=1e-5)


def test_a_delay_brings_two_spikes_as_two():
    line = nm.Delay(units=1, max_steps=2, delay=1.0)
    inputs = jnp.array([[[2.0]], [[0.0]], [[0.0]]])
    state = nm.init(line, jax.random.key(0))
    _, seen = nm.run(line, state, steps=3, inputs={"inputs": inputs}, record="outputs")
    np.testing.assert_array_equal(seen["outputs"].ravel(), [0.0, 2.0, 0.0])


def test_a_raster_lists_a_unit_once_for_every_spike():
    raster = nm.SpikeIndices(units=5, max_spikes=4)
    state = nm.init(raster, jax.random.key(0), batch=3)
    spikes = np.float32([[0, 2, 0, 1, 0], [0, 0, 0, 0, 0], [3, 0, 0, 2, 1]])
    state = nm.advance_state(raster, state.replace(inputs=spikes))
    np.testing.assert_array_equal(state.indices, [[1, 1, 3, -1], [-1, -1, -1, -1], [0, 0, 0, 3]])
    np.testing.assert_array_equal(state.overflow, [0, 0, 2])
