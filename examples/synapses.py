"""The synapses at a glance: conductances, short-term plasticity, delays, driving force.

Dots are what the components give at a step of 1 ms, lines the closed forms they are held against.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem import delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

KINDS = {
    "depressing": dict(utilisation=0.5, tau_facilitation=20.0, tau_depression=800.0),
    "facilitating": dict(utilisation=0.05, tau_facilitation=1000.0, tau_depression=100.0),
}
ONE = jax.nn.initializers.ones


def answers(synapse: Any, spikes: np.ndarray, record: str = "outputs") -> np.ndarray:
    """What the synapse gives for spikes (steps, inputs), (steps, ...)."""
    state = nm.init(synapse, jax.random.key(0))
    drive = {"inputs": spikes[:, None].astype(np.float32)}
    _, seen = nm.run(synapse, state, steps=len(spikes), inputs=drive, record=record)
    return np.asarray(seen[record])[:, 0]


def conductances(axes: Any) -> float:
    """One spike at 0; the largest deviation from the closed forms."""
    spikes = np.eye(40)[0][:, None]
    t, fine = np.arange(40), np.linspace(0, 40, 400)
    top = 1.5 * 6 / 4.5 * np.log(4)

    def course(s: np.ndarray) -> np.ndarray:
        return np.exp(-s / 6) - np.exp(-s / 1.5)

    cases = (
        (nm.ExponentialSynapse, dict(tau=6.0), lambda s: np.exp(-s / 6), "Exponential"),
        (
            nm.DoubleExponentialSynapse, dict(tau_rise=1.5, tau_decay=6.0),
            lambda s: course(s) / course(top), "DoubleExponential",
        ),
    )  # fmt: skip
    worst = 0.0
    for kind, taus, exact, name in cases:
        found = answers(kind(inputs=1, outputs=1, weight_init=ONE, **taus), spikes)[:, 0]
        worst = max(worst, np.abs(found - exact(t)).max())
        line = axes.plot(fine, exact(fine), linewidth=1, label=name)[0]
        axes.plot(t, found, "o", markersize=3, color=line.get_color())
    axes.set(title="conductance of one spike", xlabel="ms", ylabel="in units of the weight")
    axes.legend(fontsize=8)
    return float(worst)


def short_term(axes: Any) -> None:
    """A train of 20 Hz and a probe 600 ms later, through both kinds."""
    times = np.concatenate([20 + 50 * np.arange(10), [20 + 450 + 600]])
    spikes = np.zeros((1150, 1))
    spikes[times] = 1
    for place, (name, values) in zip(axes, KINDS.items(), strict=True):
        synapse = nm.TsodyksMarkram(inputs=1, outputs=1, weight_init=ONE, **values)
        found = answers(synapse, spikes)[:, 0]
        place.vlines(times, 0, found[times], color="tab:blue", linewidth=2)
        for record, color in (("release", "tab:red"), ("resources", "tab:green")):
            place.plot(answers(synapse, spikes, record)[:, 0], color=color, lw=0.9, label=record)
        place.set(title=f"{name}: u x at each spike", xlabel="ms", ylim=(0, 1.02))
        place.legend(fontsize=8, loc="upper right" if name == "depressing" else "center right")


def steady_state(axes: Any, points: int) -> float:
    """The settled answer to regular trains, and the largest deviation from the closed form."""
    intervals = np.unique(np.geomspace(10, 1000, points).round().astype(int))
    worst = 0.0
    for name, values in KINDS.items():
        u, tau_f, tau_d = values.values()

        def exact(interval: Any, u: float = u, f: float = tau_f, d: float = tau_d) -> Any:
            release = u / (1 - (1 - u) * np.exp(-interval / f))
            kept = np.exp(-interval / d)
            return release * (1 - kept) / (1 - (1 - release) * kept)

        steps = 12_000
        spikes = (np.arange(steps)[:, None] % intervals == 0).astype(float)
        synapse = nm.TsodyksMarkram(
            inputs=len(intervals), outputs=len(intervals), weight_init=_identity, **values
        )
        found = answers(synapse, spikes)
        last = np.asarray([column[column > 0][-1] for column in found.T])
        worst = max(worst, np.abs(last / exact(intervals) - 1).max())
        fine = np.geomspace(10, 1000, 200)
        line = axes.semilogx(1000 / fine, exact(fine), linewidth=1, label=name)[0]
        axes.plot(1000 / intervals, last, "o", markersize=4, color=line.get_color())
    axes.set(title="steady state of a regular train", xlabel="Hz", ylabel="u x")
    axes.legend(fontsize=8)
    return float(worst)


def _identity(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jnp.eye(*shape)


def delays(axes: Any) -> None:
    """A volley of spikes through lines with delays of 0 to 24 ms."""
    spikes = np.zeros((70, 9))
    spikes[[5, 12, 26]] = 1
    late = answers(nm.Delay(units=9, max_steps=24, delay=3.0 * np.arange(9)), spikes)
    for train, color, name in ((spikes, "0.75", "in"), (late, "tab:blue", "out")):
        steps, lines = np.nonzero(train)
        axes.plot(steps, 3 * lines, "|", color=color, markersize=9, markeredgewidth=1.8, label=name)
    axes.set(title="lines with delays of their own", xlabel="ms", ylabel="delay, ms")
    axes.legend(fontsize=8, loc="lower right")


def driving_force(axes: Any) -> None:
    """A conductance-based synapse: the same spikes, three reversal potentials."""
    spikes = np.zeros((160, 1, 1), np.float32)
    spikes[[20, 60, 70, 80, 90]] = 1
    for reversal, name in (
        (0.0, "excitatory, 0 mV"),
        (-65.0, "shunting, -65 mV"),
        (-80.0, "inhibitory, -80 mV"),
    ):
        circuit = nm.connect(
            dict(
                synapse=nm.ExponentialSynapse(
                    inputs=1, outputs=1, reversal=reversal, weight_init=_strong
                ),
                cell=nm.LIF(units=1, v_threshold=0.0),
            ),
            wires=[
                wire("synapse.outputs", to="cell.current"),
                wire(delayed("cell.v"), to="synapse.v"),
            ],
        )
        state = nm.init(circuit, jax.random.key(0))
        drive = {"synapse.inputs": spikes}
        _, seen = nm.run(circuit, state, steps=160, inputs=drive, record="cell.v")
        axes.plot(np.asarray(seen["cell.v"])[:, 0, 0], label=name)
    axes.set(title="potential of a cell, by reversal", xlabel="ms", ylabel="v, mV")
    axes.set_ylim(-68.5, -49)
    axes.legend(fontsize=8, loc="upper left", ncols=2)


def _strong(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jnp.full(shape, 0.4)


def main() -> None:
    given = arguments("synapses", __doc__.splitlines()[0])
    figure, grid = plt.subplots(2, 3, figsize=(11, 5.8), layout="constrained")
    worst = conductances(grid[0, 0])
    short_term(grid[0, 1:])
    steady = steady_state(grid[1, 0], 6 if given.quick else 14)
    delays(grid[1, 1])
    driving_force(grid[1, 2])
    figure.savefig(given.out / "synapses.png", dpi=110)
    plt.close(figure)
    finish(dict(conductance_worst_error=worst, steady_state_worst_relative_error=steady), given.out)


if __name__ == "__main__":
    main()
