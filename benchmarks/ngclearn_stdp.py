"""The LIF and trace-STDP network of benchmarks/circuits.py in ngc-learn, from PyPI (3.2.1).

A peer, never a dependency: `build` is called only where ngclearn is installed. Its LIF cell is the
same model with v_reset = v_rest, no adaptive threshold and forward Euler: while refractory its
leak goes on, which then changes nothing.
"""

import importlib
import importlib.util
import sys
from typing import Any


def installed() -> bool:
    """Whether ngclearn can be imported."""
    return importlib.util.find_spec("ngclearn") is not None


def imported() -> Any:
    """The ngclearn modules; its import parses sys.argv, which is therefore hidden from it."""
    given, sys.argv = sys.argv, sys.argv[:1]
    try:
        importlib.import_module("ngclearn")
        return importlib.import_module
    finally:
        sys.argv = given


def build(
    name: str, inputs: int, outputs: int, batch: int, weights: Any, *, encode: bool, **rule: float
) -> tuple[Any, Any, Any]:
    """A context with pixels (Poisson, if `encode`), synapse, cell and two traces.

    Returns:
        The process, the compartment the images or spikes go to, and the cell.
    """
    load = imported()
    context = load("ngclearn").Context
    process_class = load("ngclearn.utils").MethodProcess
    jnp = load("jax").numpy
    with context(name):
        pixels = load("ngclearn.components.input_encoders.poissonCell").PoissonCell(
            "pixels", n_units=inputs, target_freq=63.75, batch_size=batch
        )
        synapse = load("ngclearn.components.synapses.hebbian.traceSTDPSynapse").TraceSTDPSynapse(
            "synapse",
            shape=(inputs, outputs),
            A_plus=rule["a_plus"],
            A_minus=rule["a_minus"],
            eta=rule["eta"] / batch,  # it adds the batch up where ours takes the mean
            g_conduct_factor=rule["scale"],
            w_bound=1.0,
            batch_size=batch,
        )
        cell = load("ngclearn.components.neurons.spiking.LIFCell").LIFCell(
            "cell", n_units=outputs, tau_m=20.0, v_reset=-65.0, tau_theta=0.0, theta_plus=0.0
        )
        cell.batch_size = batch
        trace = load("ngclearn.components.other.varTrace").VarTrace
        pre = trace("pre", n_units=inputs, tau_tr=20.0, a_delta=1.0, batch_size=batch)
        post = trace("post", n_units=outputs, tau_tr=20.0, a_delta=1.0, batch_size=batch)
        synapse.weights.set(jnp.asarray(weights))
        zeros = jnp.zeros((batch, outputs))
        for compartment, value in (
            ("j", zeros), ("v", zeros - 65.0), ("s", zeros), ("s_raw", zeros),
            ("rfr", zeros + 5.0), ("thr_theta", zeros), ("tols", zeros),
            ("surrogate", zeros + 1.0), ("v_thr", zeros - 52.0),
        ):  # fmt: skip
            getattr(cell, compartment).set(value)
        source = pixels.outputs
        if not encode:
            source = pre.inputs
        if encode:
            source >> synapse.inputs
            source >> synapse.preSpike
            source >> pre.inputs
        synapse.outputs >> cell.j
        cell.s >> post.inputs
        cell.s >> synapse.postSpike
        pre.trace >> synapse.preTrace
        post.trace >> synapse.postTrace
        steps = process_class("step")
        if encode:
            steps = steps >> pixels.advance_state
        steps = steps >> synapse.advance_state >> cell.advance_state
        steps = steps >> pre.advance_state >> post.advance_state >> synapse.evolve
        steps.watch(cell.s)
    if encode:
        return steps, (pixels.inputs,), cell
    return steps, (synapse.inputs, synapse.preSpike, pre.inputs), cell
