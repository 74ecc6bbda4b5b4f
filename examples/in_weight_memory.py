"""Can a network remember one token in two neurons' weights, and learn to use what they hold?

In every step the memory weights are emptied, one descent step makes them say a random token x to
the frozen head, and the slow weights then learn to answer x + 1. The input is token 0 throughout,
so the answer can only come through the memory weights. A control writes nothing; a map shows how
many tokens how many memory neurons carry.

    python examples/in_weight_memory.py [--seed 0] [--quick] [--out out/in_weight_memory]
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import ngcmem as nm

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ADAM = optax.adam(1e-4)
WINDOW = 100  # steps of a running mean


@partial(jax.jit, static_argnames=("vocabulary", "neurons", "steps", "writes"))
def experiment(key, *, vocabulary, neurons, steps, writes=True):
    """Loss and correctness of every step, and the accuracy over all tokens afterwards."""
    memory = nm.InWeight(
        vocabulary=vocabulary, outputs=vocabulary, hidden=(128,), memory=(neurons,), optimizer=ADAM
    )
    init_key, token_key = jax.random.split(key)
    state = nm.init(memory, init_key)
    tokens = jax.random.randint(token_key, (steps, 1), 0, vocabulary)
    contents = jax.nn.one_hot(tokens, vocabulary) * writes
    answers = jax.nn.one_hot((tokens + 1) % vocabulary, vocabulary)
    zero = jax.nn.one_hot(jnp.zeros(1, int), vocabulary)

    state, seen = nm.run(
        memory,
        state,
        steps=steps,
        inputs={"content": contents, "targets": answers},
        clamp={"inputs": zero, "clear": jnp.ones(1)},
        record="outputs",
        learn=True,
    )
    logits = seen["outputs"]
    loss = -jnp.sum(answers * jax.nn.log_softmax(logits), axis=-1)[:, 0]
    correct = (logits.argmax(-1) == answers.argmax(-1))[:, 0]

    def answer(content):
        holding = nm.store(memory, nm.reset(memory, state), zero, content[None])
        return nm.recall(memory, holding, zero).argmax(-1)[0]

    every = jax.vmap(answer)(jnp.eye(vocabulary) * writes)
    probe = (every == (jnp.arange(vocabulary) + 1) % vocabulary).mean()
    return {"loss": loss, "correct": correct.astype(float), "probe": probe}


def many(keys, **settings):
    """The same for several seeds at once."""
    return jax.block_until_ready(_many(keys, **settings))


@partial(jax.jit, static_argnames=("vocabulary", "neurons", "steps", "writes"))
def _many(keys, **settings):
    return jax.vmap(partial(experiment, **settings))(keys)


def ending_at(values, step):
    """The running mean that ends at a step, per seed."""
    return np.asarray(values)[:, max(0, step - WINDOW) : step].mean(axis=1)


def seconds(function):
    function()
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def measure(keys, steps, sizes, bar):
    """The document's experiment, its control and the capacity map."""
    task = bar.add_task("in-weight memory", total=3 + len(sizes))
    main = {"vocabulary": 2, "neurons": 2, "steps": steps}
    found = many(keys, **main)
    bar.advance(task)
    control = many(keys, **main, writes=False)
    bar.advance(task)
    times = (
        seconds(lambda: jax.block_until_ready(experiment(keys[0], **main))),
        seconds(lambda: many(keys, **main)),
    )
    bar.advance(task)
    cells = {}
    for vocabulary, neurons in sizes:
        seen = many(keys, vocabulary=vocabulary, neurons=neurons, steps=steps)
        cells[vocabulary, neurons] = ending_at(seen["correct"], steps)
        bar.advance(task)
    return found, control, cells, times


def running(values):
    kernel = np.ones(WINDOW) / WINDOW
    return np.stack([np.convolve(row, kernel, "valid") for row in np.asarray(values)])


def draw(found, control, cells, path):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for axes, name, label in (
        (left, "loss", f"loss, mean of {WINDOW} steps"),
        (middle, "correct", f"accuracy, mean of {WINDOW} steps"),
    ):
        for runs, colour, text in (
            (found, "tab:blue", "memory written"),
            (control, "tab:gray", "control: nothing written"),
        ):
            curves = running(runs[name])
            steps = np.arange(WINDOW, WINDOW + curves.shape[1])
            axes.plot(steps, curves.T, color=colour, alpha=0.25, linewidth=0.7)
            axes.plot(steps, np.median(curves, 0), color=colour, linewidth=1.8, label=text)
        axes.set(xlabel="step", ylabel=label)
    left.set_yscale("log")
    middle.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    middle.legend(loc="center right", frameon=False)
    vocabularies = sorted({v for v, _ in cells})
    neurons = sorted({m for _, m in cells})
    grid = np.array([[np.mean(cells.get((v, m), np.nan)) for m in neurons] for v in vocabularies])
    image = right.imshow(grid, vmin=0, vmax=1, cmap="viridis", origin="lower", aspect="auto")
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            shade = "black" if value > 0.6 else "white"
            right.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade)
    right.set_xticks(range(len(neurons)), neurons)
    right.set_yticks(range(len(vocabularies)), vocabularies)
    right.set(xlabel="memory neurons", ylabel="vocabulary")
    figure.colorbar(image, ax=right, label="accuracy, last 100 steps")
    figure.suptitle(f"One token in memory weights, {len(found['probe'])} seeds")
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--quick", action="store_true", help="few seeds, few steps, a small map")
    options.add_argument("--out", type=Path, default=Path("out/in_weight_memory"))
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)

    required = [(8, 8), (32, 2), (32, 16)]
    wide = [(v, m) for v in (2, 4, 8, 16, 32) for m in (1, 2, 4, 8, 16)]
    steps, seeds, sizes = (1200, 4, required) if given.quick else (5000, 16, wide)
    keys = jax.random.split(jax.random.key(given.seed), seeds)
    console = Console(stderr=True)
    with Progress(console=console) as bar:
        found, control, cells, times = measure(keys, steps, sizes, bar)

    late = ending_at(found["loss"], steps)
    control_accuracy = ending_at(control["correct"], steps)
    metrics = {
        "accuracy_1000_fraction": float((ending_at(found["correct"], 1000) == 1.0).mean()),
        "accuracy_5000_min": float(ending_at(found["correct"], steps).min()),
        "loss_last100_fraction": float((late <= 0.08).mean()),
        "loss_last100_median": float(np.median(late)),
        "control_accuracy": float(control_accuracy.mean()),
        "vocab8_mem8": float(cells[8, 8].mean()),
        "vocab32_mem16": float(cells[32, 16].mean()),
        "vocab32_mem2": float(cells[32, 2].mean()),
        "seconds_per_run": times[0],
        "seconds_16_seeds": times[1] * 16 / seeds,
    }
    more = {
        "seeds": seeds,
        "steps": steps,
        "probe_min": float(found["probe"].min()),
        "control_probe": sorted({float(value) for value in control["probe"]}),
        "control_accuracy_range": [float(control_accuracy.min()), float(control_accuracy.max())],
        "map": {f"vocabulary {v}, memory {m}": float(a.mean()) for (v, m), a in cells.items()},
    }
    table = Table(title=f"In-weight memory, {seeds} seeds, {steps} steps")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for name, value in metrics.items():
        table.add_row(name, f"{value:.4g}")
    for name in ("probe_min", "control_probe", "control_accuracy_range"):
        table.add_row(name, str(more[name]))
    console.print(table)
    draw(found, control, cells, given.out / "in_weight_memory.png")
    (given.out / "metrics.json").write_text(json.dumps(metrics | more, indent=1) + "\n")
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
