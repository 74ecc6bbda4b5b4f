"""A Hopfield memory between spikes: recall of corrupted digits, held after the cue is gone.

Binary 8x8 digits are shown as Poisson spikes for 150 ms with 30 % of their pixels replaced by coin
flips. A trace of the spikes is the memory's probe, its recalled pattern drives spiking read-out
cells, and a trace of their spikes returns to the probe one step later: when the cue goes dark, the
loop keeps what was recalled. Overlap is the mean of sign(decoded) times the stored +-1 pattern.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from jax import Array
from sklearn.datasets import load_digits

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.interop.scripts import arguments, finish

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SHOWN, HELD = 150, 150  # ms
RATE, TAU = 200.0, 40.0  # Hz at full intensity, ms of the traces
BRIGHT = RATE * TAU / 1000.0  # the mean trace of a bright pixel


def diagonal(key: Array, shape: tuple[int, ...]) -> Array:
    return jnp.eye(*shape)


def half_below(key: Array, shape: tuple[int, ...]) -> Array:
    return jnp.full(shape, -0.5)


def network(slots: int) -> nm.Circuit:
    """Spiking front end -> Hopfield memory -> spiking read-out, and the way back."""
    line = dict(inputs=64, outputs=64, weight_init=diagonal)
    return nm.connect(
        dict(
            pixels=nm.Poisson(units=64, rate=RATE),
            cue=nm.Trace(units=64, tau=TAU),
            forward=nm.Dense(**line, scale=2.0 / BRIGHT),
            memory=nm.Hopfield(slots=slots, features=64, beta=0.5),
            drive=nm.Dense(**line, scale=20.0),
            cell=nm.LIF(units=64, tau=10.0, refractory_time=2.0),
            answer=nm.Trace(units=64, tau=TAU),
            back=nm.Dense(**line, scale=0.5, bias_init=half_below),
        ),
        wires=[
            wire("pixels.spikes", to="cue.inputs"),
            wire("cue.trace", to="forward.inputs"),
            wire("forward.outputs", delayed("back.outputs"), to="memory.inputs"),
            wire("memory.outputs", to="drive.inputs"),
            wire("drive.outputs", to="cell.current"),
            wire("cell.spikes", to="answer.inputs"),
            wire("answer.trace", to="back.inputs"),
        ],
    )


def corrupted(patterns: np.ndarray, rng: np.random.Generator, flip: bool) -> np.ndarray:
    """30 % of the pixels of +-1 patterns replaced by coin flips, or flipped outright."""
    count = round(0.3 * patterns.shape[1])
    cues = patterns.copy()
    for row in cues:
        chosen = rng.permutation(len(row))[:count]
        row[chosen] = -row[chosen] if flip else rng.choice([-1.0, 1.0], count)
    return cues


def experience(circuit: nm.Circuit, state: Any, cues: np.ndarray) -> dict[str, np.ndarray]:
    """Show the cues, then darkness; everything worth seeing, (time, digits, ...)."""
    light = np.concatenate([np.ones(SHOWN), np.zeros(HELD)])[:, None, None]
    shown = (light * (cues > 0)[None]).astype(np.float32)
    record = ("pixels.spikes", "cell.spikes", "memory.outputs", "memory.energy", "answer.trace")
    _, seen = nm.run(
        circuit, state, steps=len(shown), inputs={"pixels.inputs": shown}, record=record
    )
    return {name: np.asarray(value) for name, value in seen.items()}


def decoded(seen: dict[str, np.ndarray]) -> np.ndarray:
    """+-1 per pixel and time: whether a read-out cell has fired within about a time constant."""
    return np.where(seen["answer.trace"] > 0.5, 1.0, -1.0)


def draw(patterns: np.ndarray, cues: np.ndarray, seen: dict[str, np.ndarray], path: Any) -> None:
    overlap = (decoded(seen) * patterns).mean(2)
    figure = plt.figure(figsize=(10, 5.6), layout="constrained")
    grid = figure.add_gridspec(3, 8, height_ratios=[1, 1, 1])
    example = 0
    for place, (name, title) in enumerate(
        (("pixels.spikes", "front end"), ("cell.spikes", "read-out"))
    ):
        axes = figure.add_subplot(grid[place, :4])
        steps, units = np.nonzero(seen[name][:, example])
        axes.plot(steps, units, "k.", markersize=1.5)
        axes.axvspan(0, SHOWN, color="tab:orange", alpha=0.12)
        axes.set(xlim=(0, SHOWN + HELD), ylim=(-1, 64), ylabel="pixel", title=f"{title}, one digit")
    axes = figure.add_subplot(grid[2, :4])
    axes.plot(overlap.mean(1), label="read-out", color="tab:blue")
    recalled = (np.sign(seen["memory.outputs"]) * patterns).mean(2)
    axes.plot(recalled.mean(1), label="memory", color="tab:green", linestyle="--")
    axes.axhline((cues * patterns).mean(), color="tab:gray", linewidth=0.8, label="cue")
    axes.axvspan(0, SHOWN, color="tab:orange", alpha=0.12)
    axes.set(xlim=(0, SHOWN + HELD), xlabel="ms (shaded: cue shown)", ylabel="overlap")
    axes.legend(fontsize=7, loc="lower right")
    axes = figure.add_subplot(grid[2, 4:])
    axes.plot(seen["memory.energy"][:, :20], color="tab:blue", alpha=0.25, linewidth=0.8)
    axes.plot(seen["memory.energy"].mean(1), color="black")
    axes.axvspan(0, SHOWN, color="tab:orange", alpha=0.12)
    axes.set(xlim=(0, SHOWN + HELD), xlabel="ms", title="energy of the probe")
    rates = seen["cell.spikes"][SHOWN:].mean(0)
    columns = min(4, len(patterns))
    inner = grid[:2, 4:].subgridspec(3, columns)
    rows = (("stored", patterns), ("cue", cues), ("held", rates))
    for row, (title, values) in enumerate(rows):
        for column in range(columns):
            axes = figure.add_subplot(inner[row, column])
            axes.imshow(values[column * len(patterns) // columns].reshape(8, 8), cmap="gray_r")
            axes.set(xticks=[], yticks=[])
            if column == 0:
                axes.set_ylabel(title)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    given = arguments("spiking_hopfield", __doc__.splitlines()[0])
    stored = 10 if given.quick else 50
    rng = np.random.default_rng(given.seed)
    pixels, labels = load_digits(return_X_y=True)
    chosen = np.concatenate(
        [rng.choice(np.flatnonzero(labels == digit), stored // 10, False) for digit in range(10)]
    )
    patterns = np.where(pixels[chosen] > 7.5, 1.0, -1.0)

    circuit = network(stored)
    state = nm.init(circuit, jax.random.key(given.seed), batch=stored)
    state = state.set({"memory": nm.store(circuit["memory"], state["memory"], patterns)})
    results = {}
    for name, flip in (("replaced", False), ("flipped", True)):
        cues = corrupted(patterns, rng, flip)
        seen = experience(circuit, state, cues)
        overlap = (decoded(seen) * patterns).mean(2)
        results[name] = dict(
            cue_overlap=float((cues * patterns).mean()),
            recalled_overlap=float(overlap[SHOWN - 10 : SHOWN].mean()),
            held_overlap=float(overlap[-10:].mean()),
        )
        distance = cues @ patterns.T
        nearest = patterns[distance.argmax(1)]
        results[name]["nearest_pattern_overlap"] = float((nearest * patterns).mean())
        if not flip:
            draw(patterns, cues, seen, given.out / "recall.png")
    finish(
        dict(
            overlap=results["replaced"]["recalled_overlap"],
            held_overlap=results["replaced"]["held_overlap"],
            cue_overlap=results["replaced"]["cue_overlap"],
            flipped=results["flipped"],
            nearest_pattern_overlap=results["replaced"]["nearest_pattern_overlap"],
            stored=stored,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
