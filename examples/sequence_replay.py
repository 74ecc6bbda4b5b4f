"""Hippocampus and cortex: sequences seen once, written in one shot, learned slowly from replay.

Five cyclic sequences of ten handwritten digits are seen a single time, and an episodic memory
writes every transition (now -> next) as it happens. At rest the memory replays: what it retrieves
is its query one step later, so that it walks through each sequence by itself. The replayed pairs
drive slow synapses (the delta rule: a Hebbian synapse whose post side is teacher minus output),
which in the end predict without the memory. Control: the same synapses after the one pass only.
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

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SIDE = 64  # pixels of one digit


def identity(key: Array, shape: tuple[int, ...]) -> Array:
    return jnp.eye(*shape)


def slow_synapse() -> nm.Hebbian:
    return nm.Hebbian(
        inputs=SIDE,
        outputs=SIDE,
        eta=2.0,
        bounds="none",
        weight_init=jax.nn.initializers.zeros,
    )


def rest(slots: int) -> nm.Circuit:
    """The memory wired to itself, and the slow synapses that listen to what it replays."""
    return nm.connect(
        dict(
            memory=nm.Episodic(slots=slots, keys=SIDE, values=SIDE, separation="max"),
            slow=slow_synapse(),
        ),
        wires=[
            wire(delayed("memory.outputs"), to="memory.inputs"),
            wire("memory.inputs", to="slow.inputs"),
            wire("memory.outputs", "-slow.outputs", to="slow.post"),
        ],
    )


def sequences(count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` orders of the ten digits, each digit another image, (count, 10, 64), length 1."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = pixels - pixels.mean(0)
    pixels = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
    drawn = [rng.choice(np.flatnonzero(labels == digit), count, False) for digit in range(10)]
    rows = [rng.permutation(10) for _ in range(count)]
    return np.stack(
        [[pixels[drawn[digit][i]] for digit in row] for i, row in enumerate(rows)]
    ).astype(np.float32)


def accuracy(predicted: np.ndarray, true: np.ndarray, states: np.ndarray) -> float:
    """How often the nearest of all states is the true one."""
    nearest = (predicted @ states.T).argmax(-1)
    return float((nearest == (true @ states.T).argmax(-1)).mean())


def one_pass(now: np.ndarray, then: np.ndarray) -> Array:
    """Slow weights that had the experience itself, once, in order."""
    circuit = nm.connect(
        dict(
            teacher=nm.Dense(inputs=SIDE, outputs=SIDE, weight_init=identity), slow=slow_synapse()
        ),
        wires=[wire("teacher.outputs", "-slow.outputs", to="slow.post")],
    )
    state = nm.init(circuit, jax.random.key(0))
    drive = {"slow.inputs": now[:, None], "teacher.inputs": then[:, None]}
    return nm.run(circuit, state, steps=len(now), inputs=drive, learn=True)[0]["slow.weights"]


def draw(curves: dict[str, Any], replayed: np.ndarray, seen: np.ndarray, path: Any) -> None:
    figure = plt.figure(figsize=(11, 2.9), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.45])
    axes = left.subplots()
    axes.plot(curves["steps"], curves["slow"], color="tab:blue", label="slow synapses after replay")
    axes.axhline(curves["one_pass"], color="tab:gray", linestyle="--", label="one pass, no replay")
    axes.axhline(1 / curves["states"], color="tab:gray", linestyle=":", label="chance")
    axes.set(xlabel="replayed transitions per sequence", ylabel="next digit right", ylim=(0, 1.03))
    axes.set(xscale="log")
    axes.legend(fontsize=7, loc="center right")
    grid = right.subplots(4, 10)
    for row, (title, images) in enumerate(
        (("seen", seen[0]), ("replay", replayed[0]), ("seen", seen[1]), ("replay", replayed[1]))
    ):
        for column in range(10):
            grid[row, column].imshow(images[column].reshape(8, 8), cmap="gray_r")
            grid[row, column].set(xticks=[], yticks=[])
        grid[row, 0].set_ylabel(title, fontsize=7)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main() -> None:
    given = arguments("sequence_replay", __doc__.splitlines()[0])
    count, rounds = (3, 6) if given.quick else (5, 60)
    seen = sequences(count, np.random.default_rng(given.seed))
    then = np.roll(seen, -1, axis=1)
    states = seen.reshape(-1, SIDE)

    circuit = rest(slots=len(states))
    state = nm.init(circuit, jax.random.key(given.seed), batch=count)
    lived = {"inputs": seen.transpose(1, 0, 2), "targets": then.transpose(1, 0, 2)}
    memory, _ = nm.run(circuit["memory"], state["memory"], steps=10, inputs=lived, learn=True)
    state = state.set({"memory": memory.replace(outputs=seen[:, 0])})  # the first cue of the rest
    asleep = {"memory.gate": np.zeros(count)}  # nothing new is written
    steps = 50
    curves: dict[str, Any] = dict(steps=[], slow=[], states=len(states))
    replayed = None
    for i in progress(range(rounds), "replay"):
        state, record = nm.run(
            circuit, state, steps=steps, clamp=asleep, record="memory.inputs", learn=True
        )
        replayed = np.asarray(record["memory.inputs"]) if replayed is None else replayed
        predicted = seen @ np.asarray(state["slow.weights"])
        curves["steps"].append(steps * (i + 1))
        curves["slow"].append(accuracy(predicted, then, states))
    walked = replayed[:steps].transpose(1, 0, 2)
    expected = np.stack([seen[:, t % 10] for t in range(steps)], 1)
    control = np.asarray(one_pass(seen.reshape(-1, SIDE), then.reshape(-1, SIDE)))
    curves["one_pass"] = accuracy(seen @ control, then, states)
    draw(curves, walked, seen, given.out / "replay.png")
    finish(
        dict(
            replay_accuracy=accuracy(walked, expected, states),
            slow_accuracy=curves["slow"][-1],
            one_pass_accuracy=curves["one_pass"],
            chance=1 / len(states),
            sequences=count,
            states=len(states),
            replayed_transitions=steps * rounds,
            entries_written=int(state["memory.count"]),
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
