"""The spiking cells at a glance: membranes, firing patterns, rates and orders of convergence.

Every curve has its reference beside it: the rate of the LIF cell its closed form, Izhikevich's
patterns their published names, and each integration scheme the slope of its order.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem.cells import IZHIKEVICH_PATTERNS

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def driven(cell: Any, current: Any, steps: int, dt: float, record: Any) -> dict[str, np.ndarray]:
    """The cell under a current held per unit, (units,) or (): records of (steps, units)."""
    state = nm.init(cell, jax.random.key(0))
    held = {"current": jnp.broadcast_to(jnp.asarray(current, jnp.float32), state["current"].shape)}
    _, seen = nm.run(cell, state, steps=steps, dt=dt, clamp=held, record=record)
    return {name: np.asarray(values)[:, 0] for name, values in seen.items()}


def rates(cell: Any, currents: np.ndarray, duration: float, dt: float) -> np.ndarray:
    """Hz, from the mean interval of the later half of the spikes; 0 for fewer than three."""
    spikes = driven(cell, currents, int(duration / dt), dt, "spikes")["spikes"]
    found = np.zeros(len(currents))
    for i, train in enumerate(spikes.T):
        times = np.flatnonzero(train) * dt
        if len(times) > 2:
            found[i] = 1000.0 / np.diff(times[len(times) // 2 - 1 :]).mean()
    return found


def lif_rate(currents: np.ndarray, rest: float) -> np.ndarray:
    """1 / (refractory time + tau ln(I / (I - 13))), the closed form for the default cell."""
    above = np.maximum(currents, 13.0 + 1e-9)
    return np.where(currents > 13.0, 1000.0 / (rest + 20.0 * np.log(above / (above - 13.0))), 0.0)


def membranes(axes: Any) -> None:
    cells = (
        ("LIF", nm.LIF(units=1), 20.0, 0.1, "nA"),
        ("adaptive LIF", nm.AdaptiveLIF(units=1, adaptation_increment=3.0), 35.0, 0.1, "nA"),
        ("AdEx", nm.AdEx(units=1), 800.0, 0.05, "pA"),
        ("Hodgkin-Huxley", nm.HodgkinHuxley(units=1), 10.0, 0.02, "µA/cm²"),
    )
    for place, (name, cell, current, dt, unit) in zip(axes, cells, strict=True):
        seen = driven(cell, current, int(150 / dt), dt, ("v", "spikes"))
        v, spikes = seen["v"][:, 0], seen["spikes"][:, 0] > 0
        if name != "Hodgkin-Huxley":  # a reset hides the spike itself
            v = np.where(spikes, 20.0, v)
        place.plot(dt * np.arange(len(v)), v, linewidth=0.9, color="tab:blue")
        place.set(title=f"{name}, {current:g} {unit}", xlabel="ms", ylim=(-95, 45))
    axes[0].set_ylabel("v, mV")


def patterns(axes: Any) -> dict[str, int]:
    counts = {}
    for row, (name, values) in enumerate(IZHIKEVICH_PATTERNS.items()):
        spikes = driven(nm.Izhikevich(units=1, **values), 10.0, 3000, 0.1, "spikes")["spikes"]
        counts[name] = int(spikes.sum())
        axes.eventplot(0.1 * np.flatnonzero(spikes), lineoffsets=-row, linelengths=0.7, color="k")
    axes.set(title="Izhikevich's patterns", xlabel="ms", xlim=(0, 300))
    axes.set_yticks([-row for row in range(len(counts))])
    axes.set_yticklabels(
        [name.replace("_", " ").replace(" ", "\n", 1) for name in counts], fontsize=6
    )
    return counts


def after(cell: Any, current: float, duration: float, dt: float) -> float:
    """v after so many ms, step by step: one program whatever dt."""
    state = nm.init(cell, jax.random.key(0)).replace(current=[[current]])
    for _ in range(round(duration / dt)):
        state = nm.advance_state(cell, state, dt=dt)
    return float(state.v[0, 0])


def orders(axes: Any, halvings: int) -> dict[str, float]:
    """Errors of v after 8 ms below threshold, in float64, and the slope of the third halving."""
    found = {}
    with jax.enable_x64(True):
        cells = {
            scheme: nm.AdEx(units=1, integration=scheme) for scheme in ("euler", "midpoint", "rk4")
        }
        steps = 0.5 / 2.0 ** np.arange(halvings)
        last = after(cells["rk4"], 500.0, 8.0, 1 / 256)
        for scheme, cell in cells.items():
            ends = [after(cell, 500.0, 8.0, dt) for dt in steps]
            errors = np.abs(np.asarray(ends) - last)
            found[scheme] = float(np.log2(errors[2] / errors[3]))
            label = f"{scheme}: order {found[scheme]:.2f}"
            axes.loglog(steps, errors, "o-", base=2, markersize=4, label=label)
    axes.set(title="error of AdEx after 8 ms", xlabel="dt, ms", ylabel="mV")
    axes.set_yscale("log")
    axes.set_ylim(1e-19, 1)
    axes.legend(fontsize=8, loc="lower right")
    return found


def main() -> None:
    given = arguments("cells", __doc__.splitlines()[0])
    points, duration = (8, 300.0) if given.quick else (28, 1000.0)
    figure, grid = plt.subplots(2, 4, figsize=(12, 5.6), layout="constrained")
    membranes(grid[0])
    counts = patterns(grid[1, 0])

    currents = np.linspace(10.0, 60.0, points)
    worst = 0.0
    fine = np.linspace(10.0, 60.0, 400)
    for rest, color in ((0.0, "tab:blue"), (2.0, "tab:green"), (5.0, "tab:red")):
        found = rates(nm.LIF(units=points, refractory_time=rest), currents, duration, 0.05)
        grid[1, 1].plot(fine, lif_rate(fine, rest), color=color, linewidth=1, label=f"{rest:g} ms")
        grid[1, 1].plot(currents, found, "o", color=color, markersize=3)
        firing = found > 0
        exact = lif_rate(currents[firing], rest)
        worst = max(worst, np.abs(found[firing] / exact - 1).max())
    grid[1, 1].set(title="LIF: cell (dots), closed form", xlabel="nA", ylabel="Hz")
    grid[1, 1].legend(fontsize=8, title="refractory", title_fontsize=8)

    for name, cell, top, dt in (
        ("AdEx, 2 nA", nm.AdEx(units=points), 2000.0, 0.05),
        ("Izhikevich, 40", nm.Izhikevich(units=points), 40.0, 0.1),
        ("Hodgkin-Huxley, 40 µA/cm²", nm.HodgkinHuxley(units=points), 40.0, 0.04),
    ):
        share = np.linspace(0.0, 1.0, points)
        grid[1, 2].plot(share, rates(cell, top * share, duration, dt), label=name)
    grid[1, 2].set(
        title="rates of the others", xlabel="share of the current named", ylim=(0, 160), ylabel="Hz"
    )
    grid[1, 2].legend(fontsize=8)
    measured = orders(grid[1, 3], 4 if given.quick else 6)
    figure.savefig(given.out / "cells.png", dpi=110)
    plt.close(figure)
    finish(
        dict(lif_rate_worst_relative_error=float(worst), orders=measured, izhikevich_spikes=counts),
        given.out,
    )


if __name__ == "__main__":
    main()
