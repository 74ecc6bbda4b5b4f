"""Can a network remember one token in two neurons' weights, and learn to use what they hold?

In every step the memory weights are emptied, one descent step makes them say a random token x to
the frozen head, and the slow weights then learn to answer x + 1. The input is token 0 throughout,
so the answer can only come through the memory weights. A control writes nothing; a map shows how
many tokens how many memory neurons carry.

    python examples/in_weight_memory.py [--seed 0] [--quick] [--out DIR]
"""

import json
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from _script import arguments, finish, progress
from rich.console import Console
from rich.table import Table

import ngcmem as nm

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ADAM = optax.adam(1e-4)
WINDOW = 100  # steps of a running mean


def network(vocabulary, neurons):
    return nm.InWeight(
        vocabulary=vocabulary, outputs=vocabulary, hidden=(128,), memory=(neurons,), optimizer=ADAM
    )


@partial(jax.jit, static_argnames="steps")
def draw_tokens(key, vocabulary, *, steps):
    return jax.random.randint(key, (steps, 1), 0, vocabulary)


@partial(jax.jit, static_argnames=("vocabulary", "neurons"))
def experiment(key, tokens, writes=1.0, *, vocabulary=2, neurons=2):
    """The trained state, and loss and correctness of every step; 0 `writes` is the control."""
    memory = network(vocabulary, neurons)
    answers = jax.nn.one_hot((tokens + 1) % vocabulary, vocabulary)
    state, seen = nm.run(
        memory,
        nm.init(memory, key),
        steps=len(tokens),
        inputs={"content": jax.nn.one_hot(tokens, vocabulary) * writes, "targets": answers},
        clamp={"inputs": jnp.eye(1, vocabulary), "clear": jnp.ones(1)},
        record="outputs",
        learn=True,
    )
    logits = seen["outputs"]
    loss = -jnp.sum(answers * jax.nn.log_softmax(logits), axis=-1)[:, 0]
    correct = (logits.argmax(-1) == answers.argmax(-1))[:, 0]
    return state, loss, correct.astype(float)


@jax.jit
def probe(state, writes):
    """The accuracy of a trained network of the document over all tokens."""
    memory, zero = network(2, 2), jnp.eye(1, 2)

    def answer(content):
        holding = nm.store(memory, nm.reset(memory, state), zero, content[None])
        return nm.recall(memory, holding, zero).argmax(-1)[0]

    return (jax.vmap(answer)(jnp.eye(2) * writes) == jnp.array([1, 0])).mean()


def many(seed, seeds, steps, writes=1.0, vocabulary=2, neurons=2):
    """The experiment with several seeds at once: states, losses, correctness."""
    init_keys, token_keys = jax.random.split(jax.random.key(seed), (2, seeds))
    tokens = jax.vmap(lambda key: draw_tokens(key, vocabulary, steps=steps))(token_keys)
    return _many(init_keys, tokens, writes, vocabulary=vocabulary, neurons=neurons)


@partial(jax.jit, static_argnames=("vocabulary", "neurons"))
def _many(keys, tokens, writes, **sizes):
    return jax.vmap(partial(experiment, **sizes), in_axes=(0, 0, None))(keys, tokens, writes)


def ending_at(values, step):
    """The running mean that ends at a step, per seed."""
    return np.asarray(values)[:, max(0, step - WINDOW) : step].mean(axis=1)


def seconds(function):
    jax.block_until_ready(function())
    begun = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - begun


def measure(seed, seeds, steps, sizes):
    """The published experiment, its control, the capacity map, and how long one takes."""
    runs = {}
    for name, writes in (("memory", 1.0), ("control", 0.0)):
        state, loss, correct = many(seed, seeds, steps, writes)
        probes = np.asarray(jax.vmap(lambda one, w=writes: probe(one, w))(state))
        runs[name] = {"loss": loss, "correct": correct, "probe": probes}
    key = jax.random.key(seed)
    tokens = draw_tokens(key, 2, steps=steps)
    times = (
        seconds(lambda: experiment(key, tokens)),
        seconds(lambda: many(seed, seeds, steps)),
    )
    cells = {}
    for vocabulary, neurons in progress(sizes, "vocabulary x memory neurons"):
        correct = many(seed, seeds, steps, vocabulary=vocabulary, neurons=neurons)[2]
        cells[vocabulary, neurons] = ending_at(correct, steps)
    return runs["memory"], runs["control"], cells, times


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
    middle.legend(loc="center right", bbox_to_anchor=(1.0, 0.78), frameon=False)
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
    given = arguments("in_weight_memory", __doc__.splitlines()[0])
    required = [(8, 8), (32, 2), (32, 16)]
    wide = [(v, m) for v in (2, 4, 8, 16, 32) for m in (1, 2, 4, 8, 16)]
    steps, seeds, sizes = (1200, 4, required) if given.quick else (5000, 16, wide)
    found, control, cells, times = measure(given.seed, seeds, steps, sizes)

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
    Console(file=sys.stderr).print(table)
    draw(found, control, cells, given.out / "in_weight_memory.png")
    (given.out / "details.json").write_text(json.dumps(more, indent=2) + "\n")
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
