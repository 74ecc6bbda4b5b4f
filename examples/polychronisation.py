"""Izhikevich's network of 2006: conduction delays, STDP, and weights that become all or nothing.

800 excitatory and 200 inhibitory cells with 100 synapses each; excitatory synapses have delays of 1
to 20 ms and learn, one cell a millisecond is excited from outside. The synapse is a component of
this script's own: the published rule gathers changes and applies them once a second, which no
synapse of the library does. In the published order of operations.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish, progress
from jax import Array

import ngcmem as nm
from ngcmem import Input, PerExample, Shared, State, analysis, delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

EXCITATORY, CELLS, SYNAPSES, LONGEST = 800, 1000, 100, 20


class PolychronousState(State):
    """What the synapses keep."""

    inputs: Input[Array, "cells"]  # the cells that fired
    outputs: PerExample[Array, "cells"]
    spikes: PerExample[Array, "20 cells"]  # of the latest steps, a ring
    traces: PerExample[Array, "21 cells"]  # of the latest steps, a ring
    position: PerExample[Array, ""]
    weights: Shared[Array, "cells synapses"]
    gathered: Shared[Array, "cells synapses"]  # what the next second's end brings
    targets: Shared[Array, "cells synapses"]
    delays: Shared[Array, "cells synapses"]  # ms


class Polychronous(nm.Component[PolychronousState]):
    """Synapses with delays whose STDP is gathered and applied once a second.

    A spike at t_f acts at t = t_f + delay - 1. Every ms: gathered += s_pre(t - delay) where the
    target fired, -= 1.2 s_post(t) where a spike arrives; s is set to 0.1 by a spike and falls by
    5 % a ms. Every second: w <- clip(w + 0.01 + gathered, 0, 10), gathered <- 0.9 gathered, of
    excitatory synapses. Reference: Izhikevich (2006), doi:10.1162/089976606775093882.
    """

    cells: nm.Static[int]
    synapses: nm.Static[int]

    def init(self, key: Array) -> PolychronousState:
        silent = jnp.zeros(self.cells)
        lists = jnp.zeros((self.cells, self.synapses))
        return PolychronousState(
            inputs=silent,
            outputs=silent,
            spikes=jnp.zeros((LONGEST, self.cells)),
            traces=jnp.zeros((LONGEST + 1, self.cells)),
            position=jnp.zeros((), jnp.int32),
            weights=lists,
            gathered=lists,
            targets=lists.astype(jnp.int32),
            delays=lists.astype(jnp.int32) + 1,
        )

    def arriving(self, spikes: Array, position: Array, delays: Array) -> Array:
        """(cells, synapses) the spikes that arrive in this step."""
        slot = (position - (delays - 1)) % LONGEST
        return spikes[slot, jnp.arange(self.cells)[:, None]]

    def advance_state(self, state: PolychronousState, t: Array, dt: Array) -> PolychronousState:
        position = state.position + 1
        spikes = state.spikes.at[position % LONGEST].set(state.inputs)
        before = state.traces[(position - 1) % (LONGEST + 1)]
        now = jnp.where(state.inputs > 0, 0.1, 0.95 * before)
        arriving = self.arriving(spikes, position, state.delays)
        outputs = jnp.zeros(self.cells).at[state.targets].add(state.weights * arriving)
        traces = state.traces.at[position % (LONGEST + 1)].set(now)
        return state.replace(spikes=spikes, traces=traces, outputs=outputs, position=position)

    def evolve(self, state: PolychronousState, t: Array, dt: Array) -> PolychronousState:
        position, traces, fired = state.position[0], state.traces[0], state.inputs[0]
        rows = jnp.arange(self.cells)[:, None]
        sent = traces[(position - state.delays) % (LONGEST + 1), rows]
        post = traces[position % (LONGEST + 1)][state.targets]
        arriving = self.arriving(state.spikes[0], position, state.delays)
        gathered = state.gathered + sent * fired[state.targets] - 1.2 * post * arriving
        second = position % 1000 == 0
        learning = second & (rows < EXCITATORY)
        grown = jnp.clip(state.weights + 0.01 + gathered, 0.0, 10.0)
        return state.replace(
            weights=jnp.where(learning, grown, state.weights),
            gathered=jnp.where(second, 0.9 * gathered, gathered),
        )


class Thalamus(nm.Component[Any]):
    """One cell drawn at random in every step gets 20."""

    units: nm.Static[int]

    def init(self, key: Array) -> "ThalamusState":
        return ThalamusState(outputs=jnp.zeros(self.units), key=key)

    def advance_state(self, state: Any, t: Array, dt: Array) -> Any:
        key, draw = jax.random.split(state.key)
        chosen = jax.random.randint(draw, (), 0, self.units)
        return state.replace(outputs=20.0 * jax.nn.one_hot(chosen, self.units), key=key)


class ThalamusState(State):
    """The drawn cell, and the key of the next."""

    outputs: PerExample[Array, "units"]
    key: PerExample[Array, ""]


def network(seed: int) -> tuple[nm.Circuit, dict[str, np.ndarray]]:
    """The circuit, and what its synapses begin with."""
    rng = np.random.default_rng(seed)
    inhibitory = np.arange(CELLS) >= EXCITATORY
    cell = nm.Izhikevich(
        units=CELLS,
        a=np.where(inhibitory, 0.1, 0.02).astype(np.float32),
        d=np.where(inhibitory, 2.0, 8.0).astype(np.float32),
        integration="half_steps",
    )
    targets = np.stack(
        [rng.choice(EXCITATORY if bad else CELLS, SYNAPSES, replace=False) for bad in inhibitory]
    )
    delays = np.tile(np.repeat(np.arange(1, LONGEST + 1), SYNAPSES // LONGEST), (CELLS, 1))
    delays[inhibitory] = 1
    weights = np.where(inhibitory, -5.0, 6.0)[:, None].repeat(SYNAPSES, 1)
    circuit = nm.connect(
        dict(
            cell=cell,
            synapse=Polychronous(cells=CELLS, synapses=SYNAPSES),
            outside=Thalamus(units=CELLS),
        ),
        [
            wire(delayed("cell.spikes"), to="synapse.inputs"),
            wire("outside.outputs", "synapse.outputs", to="cell.current"),
        ],
    )
    begin = {"synapse.targets": targets, "synapse.delays": delays, "synapse.weights": weights}
    return circuit, begin


def peak(counts: np.ndarray, above: float, below: float) -> float:
    """The frequency of the largest power of a population's rate in a band, Hz."""
    return analysis.spectral_peak(counts, 1.0, above=above, below=below, segment=1000.0)[0]


def measures(counts: np.ndarray, sums: np.ndarray, weights: np.ndarray, ms: float) -> dict:
    """Rates, rhythm and weights of a stretch of so many ms."""
    learned = weights[:EXCITATORY]
    rate = 1000.0 * sums / ms
    return dict(
        rate_e=float(rate[:EXCITATORY].mean()),
        rate_i=float(rate[EXCITATORY:].mean()),
        slow_peak_hz=peak(counts, 0.5, 15.0),
        fast_peak_hz=peak(counts, 19.5, 100.0),
        mean_weight=float(learned.mean()),
        strong=float((learned > 9.5).mean()),
        weak=float((learned < 0.5).mean()),
    )


def draw(history: dict[int, dict], weights: np.ndarray, path: Any) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    seconds = list(history)
    left.plot(seconds, [one["fast_peak_hz"] for one in history.values()], "o-", label="fast")
    left.plot(seconds, [one["slow_peak_hz"] for one in history.values()], "o-", label="slow")
    left.set(xlabel="s", ylabel="peak of the rate's spectrum (Hz)", ylim=(0, None))
    left.legend()
    right.hist(weights[:EXCITATORY].ravel(), bins=np.arange(0, 10.5, 0.5), color="gray")
    right.set(xlabel="weight of excitatory synapses", ylabel="synapses", title=f"{seconds[-1]} s")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("polychronisation", __doc__.splitlines()[0])
    circuit, begin = network(given.seed)
    state = nm.init(circuit, jax.random.key(given.seed)).set(begin)
    stretches, seconds = (2, 1) if given.quick else (10, 10)
    history = {}
    record = dict(rate=nm.drivers.PopulationMean("cell.spikes"), sums=nm.drivers.Sum("cell.spikes"))
    for k in progress(range(1, stretches + 1), "stretches", total=stretches):
        ms = 1000 * seconds
        state, seen = nm.run(circuit, state, steps=ms, learn=True, record=record)
        counts = np.rint(np.asarray(seen["rate"])[:, 0] * CELLS)
        weights = np.asarray(state["synapse.weights"])
        history[k * seconds] = measures(counts, np.asarray(seen["sums"])[0], weights, ms)
    draw(history, weights, given.out / "polychronisation.png")
    first, last = min(history), max(history)
    finish(dict(first=history[first], last=history[last], seconds=last), given.out)


if __name__ == "__main__":
    main()
