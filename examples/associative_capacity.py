"""How many pairs a linear associative memory holds, with the law drawn through every curve.

Three experiments on random pairs, keys and values N(0, 1) in d dimensions:

1. d = 32: cosine and distance of the pseudo-inverse memory, with the random baseline;
2. d = 16 .. 1024, n = 4 .. 32768;
3. d = 64: pseudo-inverse, softmax, ReLU and dot product read-outs of the same pairs.

No matrix of n x n is ever formed: beyond n = d the pairs stream through K^T K and K^T V.
"""

import time
from typing import Any

import jax
import matplotlib
import numpy as np
from jax import Array

from ngcmem.analysis import laws
from ngcmem.analysis.capacity import Sweep, capacity_sweep
from ngcmem.analysis.linear_recall import (
    fit_blocks,
    fit_few,
    mean_recall,
    pinv_recall,
    random_pairs,
    stored_blocks,
)
from ngcmem.analysis.metrics import random_baseline
from ngcmem.interop.scripts import arguments, finish, progress
from ngcmem.retrieval.retrieve import retrieve_batch
from ngcmem.retrieval.separation import Relu, Softmax
from ngcmem.retrieval.similarity import Dot

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def readouts(key: Array, count: Array, *, size: int, capacity: int) -> dict[str, Array]:
    keys, values = random_pairs(key, count, size, capacity)

    def separated(separation: Any) -> Any:
        return lambda k: (
            retrieve_batch(
                k, keys, values=values, count=count, similarity=Dot(), separation=separation
            ).outputs
        )

    cross, pairs = keys.T @ values, stored_blocks(keys, values)
    if capacity <= size:
        weights = fit_few(keys, values, count)
    else:
        weights = fit_blocks(pairs, count, size, capacity)
    recalls = {
        "pinv": lambda k: k @ weights,
        "softmax": separated(Softmax()),
        "relu": separated(Relu()),
        "dot": lambda k: k @ cross,
    }
    return {
        name: mean_recall(recall, pairs, count, capacity)["cosine"]
        for name, recall in recalls.items()
    }


def sweep(measure: Any, sizes: list[int], most: int, seed: int, steps: int = 1) -> Sweep:
    """Every power of two from 4 to `most`; a program up to n = d, one to steps * d, one beyond."""
    loads = [2**k for k in range(2, most.bit_length())]

    def capacity(size: int, load: int) -> int:
        if load <= size:
            return size
        return min(steps * size, most) if steps > 1 and load <= steps * size else most

    return capacity_sweep(
        measure,
        sizes,
        loads,
        jax.random.key(seed),
        bucket=capacity,
        mapped=True,
        progress=progress,
    )


def draw_figure(one: Sweep, many: Sweep, four: Sweep, baseline: dict[str, float], out: Any) -> None:
    figure, axes = plt.subplots(1, 4, figsize=(17, 4), layout="constrained")
    n = one.loads[0]
    fine = np.geomspace(4, max(n[-1], many.loads.max()), 200)
    for axis, metric, law in (
        (axes[0], "cosine", laws.pinv_cosine),
        (axes[1], "distance", laws.pinv_distance),
    ):
        axis.plot(fine[fine <= n[-1]], law(32, fine[fine <= n[-1]]), "k-", lw=1, label="law")
        axis.plot(n, one.mean(metric)[0], "o", ms=5, label="recalled, d = 32")
        axis.axhline(baseline[metric], ls="--", color="gray", label="random vectors")
    axes[0].set(title="1. Pseudo-inverse, d = 32", ylabel="mean cosine to the value")
    axes[1].set(title="1. The same as a distance", ylabel="mean Euclidean distance")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(many.sizes)))
    for i, (size, colour) in enumerate(zip(many.sizes, colours, strict=True)):
        axes[2].plot(fine, laws.pinv_cosine(size, fine), "-", lw=1, color=colour)
        axes[2].plot(many.loads[i], many.mean("cosine")[i], "o", ms=4, color=colour, label=size)
    axes[2].set(title="2. Pseudo-inverse, many d", ylabel="mean cosine to the value")
    shapes = {"pinv": laws.pinv_cosine, "relu": laws.relu_cosine, "dot": laws.dot_cosine}
    fine = np.geomspace(4, four.loads.max(), 200)
    for colour, name in zip(("C0", "C1", "C2", "C3"), ("softmax", *shapes), strict=True):
        law = shapes[name](64, fine) if name in shapes else np.ones_like(fine)
        axes[3].plot(fine, law, "-", lw=1, color=colour)
        axes[3].plot(four.loads[0], four.mean(name)[0], "o", ms=4, color=colour, label=name)
    axes[3].set(title="3. Four read-outs, d = 64", ylabel="mean cosine to the value")
    for axis in axes:
        axis.set_xscale("log", base=2)
        axis.set_xlabel("pairs n (points: measured; lines: law)")
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    axes[1].legend(fontsize=8)
    axes[2].legend(fontsize=8, title="d", ncols=2)
    axes[3].legend(fontsize=8)
    figure.savefig(out / "associative_capacity.png", dpi=80)


def main() -> None:
    given = arguments("associative_capacity", __doc__ or "")
    began = time.perf_counter()
    quick = given.quick
    one = sweep(pinv_recall, [32], 2**9 if quick else 2**14, given.seed)
    sizes = [16] if quick else [16, 32, 64, 128, 256, 512, 1024]
    many = sweep(pinv_recall, sizes, 2**10 if quick else 2**15, given.seed + 1)
    four = sweep(readouts, [64], 2**10 if quick else 2**14, given.seed + 2, steps=16)
    found = random_baseline((1000, 32), jax.random.key(given.seed + 3))
    baseline = {name: float(value) for name, value in found.items()}

    deviations, shares = [], []
    for part in (one, many):
        for i, size in enumerate(part.sizes):
            n = part.loads[i]
            gap = np.abs(part.mean("cosine")[i] - laws.pinv_cosine(size, n))
            slack = 0.02 * np.sqrt(size / n) + 4 / np.sqrt(size * n)
            deviations.append(gap.max())
            shares.append(np.where(n > size, gap / slack, gap / 1e-4).max())
    n = four.loads[0]
    draw_figure(one, many, four, baseline, given.out)
    finish(
        {
            "pinv_d32": [round(float(c), 5) for c in one.mean("cosine")[0]],
            "pinv_max_deviation_from_law": float(max(deviations)),
            "dot_max_deviation": float(np.abs(four.mean("dot")[0] - laws.dot_cosine(64, n)).max()),
            "relu_max_deviation": float(
                np.abs(four.mean("relu")[0] - laws.relu_cosine(64, n)).max()
            ),
            "softmax_min": float(four.mean("softmax").min()),
            "random_cosine": baseline["cosine"],
            "random_distance": baseline["distance"],
            "seconds": time.perf_counter() - began,
            "pinv_max_share_of_tolerance": float(max(shares)),
        },
        given.out,
    )


if __name__ == "__main__":
    main()
