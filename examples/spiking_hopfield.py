"""A Hopfield memory between spikes: recall of corrupted digits, held after the cue is gone.

A digit is +-1 where a pixel is brighter or darker than its average over the data. Its corrupted
version is shown for 150 ms to on and off cells (Poisson spikes); the difference of their traces is
the memory's probe, the recalled pattern drives spiking on and off read-out cells, and the trace
of their spikes returns to the probe one step later: when the cue goes dark, the loop keeps what it
recalled. Corrupted means 30 % of the pixels flipped, or 30 % replaced by coin flips. Overlap is the
mean of sign(decoded) times the stored pattern; the stored pattern nearest to the cue stands beside.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish, progress
from jax import Array
from sklearn.datasets import load_digits

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.plotting import plot_raster

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PIXELS, CORRUPTED = 64, 0.3
SHOWN, HELD = 150, 150  # ms
RATE, TAU = 200.0, 40.0  # Hz of an on or off cell, ms of the traces
STEADY = RATE * TAU / 1000.0  # the mean trace of a cell that fires at RATE


def signed(key: Array, shape: tuple[int, ...]) -> Array:
    """On cells add, off cells subtract: (128, 64) or (64, 128)."""
    on_off = jnp.concatenate([jnp.eye(PIXELS), -jnp.eye(PIXELS)])
    return on_off if shape[0] == 2 * PIXELS else on_off.T


def network(slots: int) -> nm.Circuit:
    """Spiking front end -> Hopfield memory -> spiking read-out, and the way back."""
    cells = 2 * PIXELS
    towards = dict(inputs=cells, outputs=PIXELS, weight_init=signed)
    return nm.connect(
        dict(
            eye=nm.Poisson(units=cells, rate=RATE),
            cue=nm.Trace(units=cells, tau=TAU),
            forward=nm.Dense(**towards, scale=1.0 / STEADY),
            memory=nm.Hopfield(slots=slots, features=PIXELS, beta=0.7),
            drive=nm.Dense(inputs=PIXELS, outputs=cells, weight_init=signed, scale=20.0),
            cell=nm.LIF(units=cells, tau=10.0, refractory_time=2.0),
            answer=nm.Trace(units=cells, tau=TAU),
            back=nm.Dense(**towards, scale=0.1),
        ),
        wires=[
            wire("eye.spikes", to="cue.inputs"),
            wire("cue.trace", to="forward.inputs"),
            wire("forward.outputs", delayed("back.outputs"), to="memory.inputs"),
            wire("memory.outputs", to="drive.inputs"),
            wire("drive.outputs", to="cell.current"),
            wire("cell.spikes", to="answer.inputs"),
            wire("answer.trace", to="back.inputs"),
        ],
    )


def digits(count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` digits, as many of each class, as +-1 patterns (count, 64)."""
    pixels, labels = load_digits(return_X_y=True)
    chosen = [rng.choice(np.flatnonzero(labels == d), count // 10, False) for d in range(10)]
    return np.where(pixels > pixels.mean(0), 1.0, -1.0)[np.concatenate(chosen)]


def corrupted(patterns: np.ndarray, rng: np.random.Generator, kind: str) -> np.ndarray:
    """Exactly 30 % of the pixels of each pattern flipped, or replaced by coin flips."""
    count = round(CORRUPTED * PIXELS)
    cues = patterns.copy()
    for row in cues:
        chosen = rng.permutation(PIXELS)[:count]
        row[chosen] = -row[chosen] if kind == "flipped" else rng.choice([-1.0, 1.0], count)
    return cues


def experience(circuit: nm.Circuit, state: Any, cues: np.ndarray) -> dict[str, np.ndarray]:
    """Show the cues, then darkness; everything worth seeing, (time, digits, ...)."""
    light = np.concatenate([np.ones(SHOWN), np.zeros(HELD)])[:, None, None]
    shown = (light * np.concatenate([cues > 0, cues < 0], axis=1)).astype(np.float32)
    record = ("eye.spikes", "cell.spikes", "memory.outputs", "memory.energy", "back.outputs")
    _, seen = nm.run(circuit, state, steps=len(shown), inputs={"eye.inputs": shown}, record=record)
    return {name: np.asarray(value) for name, value in seen.items()}


def trial(stored: int, kind: str, batch: int, slots: int, seed: int) -> dict[str, Any]:
    """`stored` digits in the memory, `batch` corrupted ones shown; overlaps over time."""
    rng = np.random.default_rng(seed)
    patterns = digits(stored, rng)
    true = np.resize(patterns, (batch, PIXELS))
    cues = corrupted(true, rng, kind)
    circuit = network(slots)
    state = nm.init(circuit, jax.random.key(seed), batch=batch)
    state = state.set({"memory": nm.store(circuit["memory"], state["memory"], patterns)})
    seen = experience(circuit, state, cues)
    nearest = patterns[(cues @ patterns.T).argmax(1)]
    over_time = dict(
        readout=(np.sign(seen["back.outputs"]) * true).mean((1, 2)),
        memory=(np.sign(seen["memory.outputs"]) * true).mean((1, 2)),
        cue=np.full(SHOWN, (cues * true).mean()),
    )
    return dict(
        recalled=float(over_time["readout"][SHOWN - 10 : SHOWN].mean()),
        held=float(over_time["readout"][-10:].mean()),
        cue=float((cues * true).mean()),
        nearest=float((nearest * true).mean()),
        over_time=over_time,
        seen=seen,
        images=(true, cues),
    )


def draw(shown: dict[str, Any], loads: dict[tuple[str, int], Any], path: Any) -> None:
    seen, (true, cues) = shown["seen"], shown["images"]
    figure = plt.figure(figsize=(10.5, 6.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])
    rows = left.subplots(4, 1, sharex=True, height_ratios=[1, 1, 1.1, 0.8])
    for axes, name, title in zip(
        rows, ("eye.spikes", "cell.spikes"), ("front end", "read-out"), strict=False
    ):
        spikes = seen[name][:, 0]
        plot_raster(spikes[:, :PIXELS], ax=axes, color="tab:red")
        plot_raster(spikes[:, PIXELS:], first=PIXELS, ax=axes, color="tab:blue")
        axes.set(ylim=(-2, 2 * PIXELS + 1), yticks=[32, 96], yticklabels=["on", "off"])
        axes.set(xlabel="", ylabel=title)
    for name, style in (("cue", "tab:gray"), ("memory", "tab:green"), ("readout", "black")):
        rows[2].plot(shown["over_time"][name], color=style, label=name.replace("out", "-out"))
    rows[2].axhline(shown["nearest"], color="tab:orange", ls="--", label="nearest stored digit")
    rows[2].set(ylabel="overlap", ylim=(0, 1.05))
    rows[2].legend(fontsize=8, loc="lower right", ncols=2)
    energies = seen["memory.energy"]
    rows[3].fill_between(
        np.arange(SHOWN + HELD), *np.quantile(energies, [0.1, 0.9], axis=1),
        color="tab:purple", alpha=0.2, linewidth=0,
    )  # fmt: skip
    rows[3].plot(energies.mean(1), color="tab:purple")
    rows[3].set(ylabel="energy", xlabel="ms (shaded: the cue is shown)", xlim=(0, SHOWN + HELD))
    for axes in rows:
        axes.axvspan(0, SHOWN, color="tab:orange", alpha=0.1, linewidth=0)
    above, below = right.subfigures(2, 1, height_ratios=[1.25, 1])
    kept = np.sign(seen["back.outputs"][-1])
    columns = 6
    grid = above.subplots(3, columns)
    for axes_row, (title, images) in zip(
        grid, (("stored", true), ("cue", cues), ("held", kept)), strict=True
    ):
        for axes, image in zip(axes_row, images, strict=False):
            axes.imshow(image.reshape(8, 8), cmap="gray_r", vmin=-1, vmax=1)
            axes.set(xticks=[], yticks=[])
        axes_row[0].set_ylabel(title)
    axes = below.subplots()
    for kind, color in (("flipped", "tab:red"), ("replaced", "tab:blue")):
        of_kind = {stored: one for (name, stored), one in loads.items() if name == kind}
        for key, style, name in (("nearest", "--", "nearest"), ("recalled", "o-", "recalled")):
            values = [one[key] for one in of_kind.values()]
            axes.plot(list(of_kind), values, style, color=color, label=f"{kind}, {name}")
    axes.set(xlabel="stored digits", ylabel="overlap", ylim=(0.7, 1.01), xticks=list(of_kind))
    axes.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("spiking_hopfield", __doc__.splitlines()[0])
    batch, stored = (20, (10, 20)) if given.quick else (200, (10, 20, 50))
    cases = [(kind, count) for count in stored for kind in ("flipped", "replaced")]
    loads = {
        case: trial(case[1], case[0], batch, max(stored), given.seed)
        for case in progress(cases, "memories", total=len(cases))
    }
    main_case = loads["flipped", 10]
    draw(main_case, loads, given.out / "recall.png")
    kept = ("recalled", "held", "cue", "nearest")
    finish(
        dict(
            overlap=main_case["recalled"],
            held_overlap=main_case["held"],
            cue_overlap=main_case["cue"],
            nearest_pattern_overlap=main_case["nearest"],
            loads={
                f"{kind}_{count}": {name: one[name] for name in kept}
                for (kind, count), one in loads.items()
            },
            shown=batch,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
