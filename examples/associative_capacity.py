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
from _script import arguments, finish, progress
from jax import Array

from ngcmem.analysis import Sweep, capacity_sweep, laws, pinv_recall, random_baseline
from ngcmem.analysis._linear_recall import (
    fit_blocks,
    fit_few,
    mean_recall,
    random_pairs,
    stored_blocks,
)
from ngcmem.retrieval import Dot, Relu, Softmax, retrieve_batch

matplotlib.use("Agg")
import matplotlib.pyplot as plt


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
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    figure, ((cosine, distance), (sizes, readouts)) = plt.subplots(
        2, 2, figsize=(9.6, 7), layout="constrained"
    )
    n = one.loads[0]
    fine = np.geomspace(4, n[-1], 300)
    for axis, metric, law in (
        (cosine, "cosine", laws.pinv_cosine),
        (distance, "distance", laws.pinv_distance),
    ):
        axis.plot(fine, law(32, fine), color="0.2", lw=1.2, label="law")
        axis.plot(n, one.mean(metric)[0], "o", ms=5, label="measured, d = 32")
        axis.axhline(baseline[metric], ls="--", lw=1, color="0.55", label="random vectors")
        axis.axvline(32, ls=":", lw=1, color="0.7")
        axis.legend(frameon=False, loc="center right")
    cosine.set(title="Pseudo-inverse, d = 32: cosine", ylabel="mean cosine to the value")
    distance.set(title="Pseudo-inverse, d = 32: distance", ylabel="mean Euclidean distance")

    fine = np.geomspace(4, many.loads.max(), 300)
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(many.sizes)))
    for i, (size, colour) in enumerate(zip(many.sizes, colours, strict=True)):
        sizes.plot(fine, laws.pinv_cosine(size, fine), lw=1.2, color=colour)
        sizes.plot(many.loads[i], many.mean("cosine")[i], "o", ms=4, color=colour)
        sizes.text(size, 1.03, str(size), color=colour, ha="center", fontsize=7.5)
    sizes.text(4, 1.03, "d =", ha="center", fontsize=7.5)
    sizes.set(title="Pseudo-inverse, d = 16 to 1024", ylabel="mean cosine to the value")

    fine = np.geomspace(4, four.loads.max(), 300)
    curves = {
        "softmax": (np.ones_like(fine), "C2", "^"),
        "pinv": (laws.pinv_cosine(64, fine), "C0", "o"),
        "relu": (laws.relu_cosine(64, fine), "C1", "s"),
        "dot": (laws.dot_cosine(64, fine), "C3", "D"),
    }
    for name, (law, colour, marker) in curves.items():
        readouts.plot(fine, law, lw=1.2, color=colour)
        found = four.mean(name)[0]
        readouts.plot(four.loads[0], found, marker, ms=4.5, color=colour, label=name)
    readouts.set(title="Four read-outs, d = 64", ylabel="mean cosine to the value")
    readouts.legend(frameon=False, loc="lower left")
    for axis in (cosine, distance, sizes, readouts):
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_xlabel("pairs n (points: measured, lines: law)")
        axis.grid(alpha=0.25, lw=0.6)
        if axis is not distance:
            axis.set_ylim(-0.03, 1.1)
    figure.savefig(out / "associative_capacity.png", dpi=110)


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
