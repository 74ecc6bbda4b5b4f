"""How many patterns a classical Hopfield network holds: storage rules, and the 0.138 transition.

1. One step from a stored pattern: wrong bits against erfc(sqrt(N / 2P)) / 2.
2. Relaxed asynchronously: the overlap breaks down at P = 0.138 N.
3. Exact fixed points of Hebb's, Storkey's and the projection rule.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish, progress
from jax import Array

import ngcmem as nm
from ngcmem.analysis import bit_error, laws, overlap
from ngcmem.plasticity import without_diagonal

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PROBES = 24


def hebb_recall(key: Array, count: Array, *, size: int, capacity: int) -> dict[str, Array]:
    """One step, and relaxation, from stored patterns of a network that holds `count`."""
    patterns = jax.random.rademacher(key, (capacity, size), jnp.float32)
    patterns = jnp.where((jnp.arange(capacity) < count)[:, None], patterns, 0)
    memory = nm.ClassicalHopfield(features=size)
    state = nm.init(memory, key).replace(
        weights=without_diagonal(patterns.T @ patterns) / size, count=count
    )
    probes = patterns[:PROBES]
    one = nm.recall(memory.replace(updates="synchronous"), state, probes)
    relaxed = nm.recall(memory, state, probes, tol=0.0, max_steps=25)
    return {
        "bit_error": jnp.mean(bit_error(one, probes)),
        "overlap": jnp.median(overlap(relaxed, probes)),
    }


def fixed_points(rule: Any, size: int, loads: list[int], seed: int) -> list[float]:
    """The share of patterns that are exact fixed points, while patterns are added."""
    memory = nm.ClassicalHopfield(features=size, rule=rule, updates="synchronous")
    state = nm.init(memory, jax.random.key(seed))
    patterns = np.random.default_rng(seed).choice([-1.0, 1.0], (loads[-1], size))
    found, before = [], 0
    for load in loads:
        state = nm.store(memory, state, patterns[before:load])
        recalled = np.asarray(nm.recall(memory, state, patterns))[:load]
        found.append(float(np.mean(np.all(recalled == patterns[:load], axis=1))))
        before = load
    return found


def draw_figure(
    loads: np.ndarray, error: np.ndarray, median: np.ndarray, size: int,
    grid: np.ndarray, fixed: dict[str, list[float]], units: int, out: Any,
) -> None:  # fmt: skip
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    figure, (step, relaxed, exact) = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    fine = np.linspace(0.055, loads.max() * 1.02, 200)
    law = laws.hebb_bit_error(1.0, fine)
    spread = 2 * np.sqrt(law / (PROBES * size))
    step.fill_between(fine, np.maximum(law - spread, 1e-6), law + spread, color="0.85", lw=0)
    step.semilogy(fine, law, color="0.2", lw=1.2, label="erfc(sqrt(N/2P)) / 2, two deviations")
    step.semilogy(loads, np.where(error > 0, error, np.nan), "o", label=f"measured, N = {size}")
    step.set(title="One step from a stored pattern", ylabel="share of wrong bits")
    step.set_ylim(5e-6, 0.1)
    step.legend(frameon=False, loc="lower right")

    fine = np.linspace(0.03, loads.max() * 1.02, 400)
    overlaps = laws.hopfield_overlap(fine)
    relaxed.plot(fine, np.where(overlaps > 0, overlaps, np.nan), color="0.2", lw=1.2,
                 label="AGS (1985), N infinite")  # fmt: skip
    relaxed.plot(loads, median, "o", label=f"relaxed, N = {size}")
    relaxed.axvline(laws.hopfield_transition(), color="0.55", ls="--", lw=1)
    relaxed.text(0.1425, 1.04, "0.138", color="0.4")
    relaxed.set(title="Relaxed: the transition", ylabel="median overlap with the pattern")
    relaxed.set_ylim(0, 1.12)
    relaxed.legend(frameon=False, loc="lower left")

    colours = dict(zip(fixed, ("C0", "C1", "C3", "C2"), strict=False))
    for name, values in fixed.items():
        exact.plot(grid, values, "o-", ms=4, lw=1.2, color=colours[name], label=name)
    for capacity, name in (
        (laws.hebb_fixed_points, "Hebb"),
        (laws.storkey_fixed_points, "Storkey"),
    ):
        exact.axvline(float(capacity(units)) / units, color=colours[name], ls="--", lw=1)
    exact.set(title=f"Exact fixed points, N = {units}", ylabel="share of patterns")
    exact.set_ylim(-0.03, 1.12)
    handles, names = exact.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower right", ncols=len(names), frameon=False)
    for axis in (step, relaxed, exact):
        axis.set_xlabel("load P / N")
        axis.set_xlim(left=0)
        axis.grid(alpha=0.25, lw=0.6)
    exact.set_xlabel("load P / N (dashed: published capacity)")
    figure.savefig(out / "hopfield_capacity.png", dpi=110)


def main() -> None:
    given = arguments("hopfield_capacity", __doc__ or "")
    began, quick = time.perf_counter(), given.quick
    size = 400 if quick else 2000
    shares = np.array([0.06, 0.1, 0.12, 0.138, 0.15, 0.16, 0.18, 0.22])
    shares = shares[[1, 2, 4, 6]] if quick else shares
    sweep = nm.analysis.capacity_sweep(
        hebb_recall,
        [size],
        [int(share * size) for share in shares],
        jax.random.key(given.seed),
        bucket=lambda size, load: int(0.25 * size),
        mapped=True,
        progress=progress,
    )
    loads = sweep.loads[0] / size
    error, median = sweep.mean("bit_error")[0], sweep.mean("overlap")[0]

    units = 100 if quick else 300
    step = units // 10
    rules = {
        "Hebb": nm.plasticity.OuterProduct(),
        "Storkey": nm.plasticity.Storkey(),
        "Storkey, self-coupling": nm.plasticity.Storkey(self_coupling=True),
        "Projection": nm.plasticity.Projection(),
    }
    rules = dict(list(rules.items())[:2]) if quick else rules
    grid = list(range(step, units, step))
    fixed = {
        name: fixed_points(rule, units, grid, given.seed)
        for name, rule in progress(rules.items(), "storage rules", total=len(rules))
    }

    draw_figure(loads, error, median, size, np.array(grid) / units, fixed, units, given.out)
    expected = laws.hebb_bit_error(size, sweep.loads[0])
    deviation = 4 * np.sqrt(expected / (size * PROBES)) + 0.1 * expected
    finish(
        {
            "units": size,
            "loads": loads.tolist(),
            "bit_error": error.tolist(),
            "bit_error_law": expected.tolist(),
            "bit_error_max_share_of_tolerance": float((abs(error - expected) / deviation).max()),
            "median_overlap": median.tolist(),
            "fixed_points_loads": [load / units for load in grid],
            "fixed_points": fixed,
            "seconds": time.perf_counter() - began,
        },
        given.out,
    )


if __name__ == "__main__":
    main()
