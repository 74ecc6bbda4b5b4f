"""Unsupervised learning of handwritten digits by spikes, after Diehl and Cook (2015).

Poisson spikes of 8x8 digits drive 100 cells through STDP synapses; every spike inhibits all other
cells, and a homeostatic threshold keeps any cell from winning too often. No label is used for
learning: each cell is then assigned the digit it fires for most, and new digits are named by the
vote of the cells. Beside it k-means with as many centres and the same assignment. The settings
were chosen on 400 of the training images left out of training; the test images chose nothing.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish, progress
from jax import Array
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ngcmem as nm
from ngcmem import delayed, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

BATCH = 16
ETA, SLOWER = 0.03, 0.8  # learning rate of the first epoch, its factor from epoch to epoch


def network(cells: int) -> nm.Circuit:
    """The circuit: 64 pixels, plastic synapses, lateral inhibition, cells, a spike counter."""
    return nm.connect(
        dict(
            pixels=nm.Poisson(units=64, rate=1000.0),
            pre=nm.Trace(units=64, tau=40.0),
            synapse=nm.STDP(inputs=64, outputs=cells, scale=10.0, eta=ETA, a_minus=0.02, total=8.0),
            inhibition=nm.LateralInhibition(units=cells, strength=300.0),
            cell=nm.AdaptiveLIF(
                units=cells,
                refractory_time=2.0,
                adaptation_increment=0.0,
                homeostasis_increment=2.0,
                tau_homeostasis=3e4,
            ),
            post=nm.Trace(units=cells),
            count=nm.SpikeCount(units=cells),
        ),
        wires=[
            wire("pixels.spikes", to="synapse.inputs"),
            wire("synapse.outputs", "-inhibition.outputs", to="cell.current"),
            wire(delayed("cell.spikes"), to="inhibition.inputs"),
            wire("pixels.spikes", to="pre.inputs"),
            wire("cell.spikes", to="post.inputs"),
            wire("pre.trace", to="synapse.pre_trace"),
            wire("post.trace", to="synapse.post_trace"),
            wire("cell.spikes", to="synapse.post"),
            wire("cell.spikes", to="count.inputs"),
        ],
    )


def train(circuit: nm.Circuit, images: Array, epochs: int, steps: int, seed: int) -> Any:
    """Show every image once per epoch for `steps` ms; the learning rate falls by epoch."""
    state = nm.init(circuit, jax.random.key(seed), batch=BATCH)
    order = np.random.default_rng(seed)
    schedule = [
        (epoch, rows)
        for epoch in range(epochs)
        for rows in np.array_split(
            order.permutation(len(images))[: len(images) // BATCH * BATCH], len(images) // BATCH
        )
    ]
    for epoch, rows in progress(schedule, "learning"):
        slower = nm.with_parameters(circuit, {"synapse.eta": ETA * SLOWER**epoch})
        shown = {"pixels.inputs": images[rows]}
        state = nm.reset(circuit, state)
        state, _ = nm.run(slower, state, steps=steps, clamp=shown, learn=True)
    return state


def responses(circuit: nm.Circuit, learned: Any, images: Array, steps: int, seed: int) -> Array:
    """The spike counts of every cell for every image, without learning, in one run."""
    state = nm.init(circuit, jax.random.key(seed + 1), batch=len(images))
    state = state.set({path: learned[path] for path in ("synapse.weights", "cell.homeostasis")})
    shown = {"pixels.inputs": images}
    final, _ = nm.run(circuit, state, steps=steps, clamp=shown)
    return np.asarray(final["count.counts"])


def assign(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The digit each cell fires for most, on average over the training images of a digit."""
    return np.stack([counts[labels == digit].mean(0) for digit in range(10)]).argmax(0)


def vote(counts: np.ndarray, assigned: np.ndarray) -> np.ndarray:
    """The digit whose cells fire most, on average over the cells assigned to it."""
    votes = [
        counts[:, assigned == digit].mean(1)
        if (assigned == digit).any()
        else np.full(len(counts), -1)
        for digit in range(10)
    ]
    return np.stack(votes, 1).argmax(1)


def kmeans_accuracy(train_x, train_y, test_x, test_y, centres: int, seed: int) -> float:
    """k-means with the same number of prototypes and the same label assignment."""
    found = KMeans(centres, n_init=4, random_state=seed).fit(train_x)
    one_hot = np.eye(centres)
    assigned = assign(one_hot[found.predict(train_x)], train_y)
    return float((vote(one_hot[found.predict(test_x)], assigned) == test_y).mean())


def draw(weights: np.ndarray, assigned: np.ndarray, confusion: np.ndarray, path: Any) -> None:
    """Receptive fields in the order of their digits, and the confusion matrix."""
    order = np.argsort(assigned, kind="stable")
    side = int(np.ceil(np.sqrt(len(order))))
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.5, 4.6), width_ratios=[1, 1], layout="constrained"
    )
    canvas = np.full((side * 9 - 1, side * 9 - 1), np.nan)
    for place, cell in enumerate(order):
        row, column = divmod(place, side)
        field = weights[:, cell].reshape(8, 8)
        canvas[row * 9 : row * 9 + 8, column * 9 : column * 9 + 8] = field / field.max()
        left.text(
            column * 9 + 7.4, row * 9 + 7.2, assigned[cell], color="tab:red", fontsize=6,
            ha="right", va="bottom",
        )  # fmt: skip
    left.imshow(canvas, cmap="gray_r", vmin=0, vmax=1)
    left.set_title("receptive fields, each with its digit")
    left.axis("off")
    share = confusion / confusion.sum(1, keepdims=True)
    right.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(10, 10):
        if confusion[i, j]:
            shade = "white" if share[i, j] > 0.5 else "black"
            right.text(j, i, int(confusion[i, j]), ha="center", va="center", color=shade, size=7)
    right.set(xlabel="named", ylabel="digit", xticks=range(10), yticks=range(10))
    right.set_title("held-out digits")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("spiking_digits", __doc__.splitlines()[0])
    cells, epochs, steps = (36, 3, 60) if given.quick else (100, 10, 100)
    pixels, labels = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split(
        pixels / 16.0, labels, test_size=500, random_state=given.seed, stratify=labels
    )
    if given.quick:
        x, y = x[:500], y[:500]
    bright = lambda images: jnp.asarray(20.0 * images / images.sum(1, keepdims=True), jnp.float32)  # noqa: E731

    circuit = network(cells)
    train(circuit, bright(x[:BATCH]), 1, steps, given.seed)  # compile, so that speed is speed
    began = time.perf_counter()
    state = jax.block_until_ready(train(circuit, bright(x), epochs, steps, given.seed))
    seconds = time.perf_counter() - began
    shown = epochs * (len(x) // BATCH)

    assigned = assign(responses(circuit, state, bright(x), 2 * steps, given.seed), y)
    counts = responses(circuit, state, bright(test_x), 2 * steps, given.seed)
    named = vote(counts, assigned)
    confusion = np.zeros((10, 10))
    np.add.at(confusion, (test_y, named), 1)
    draw(np.asarray(state["synapse.weights"]), assigned, confusion, given.out / "fields.png")
    finish(
        dict(
            test_accuracy=float((named == test_y).mean()),
            kmeans_accuracy=kmeans_accuracy(x, y, test_x, test_y, cells, given.seed),
            steps_per_second=shown * steps / seconds,
            images_per_second=shown * BATCH / seconds,
            training_seconds=seconds,
            cells=cells,
            test_images=len(test_y),
            spikes_per_image=float(counts.sum(1).mean()),
            silent_cells=int((counts.sum(0) == 0).sum()),
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
