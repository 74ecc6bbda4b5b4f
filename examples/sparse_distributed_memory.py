"""Kanerva's sparse distributed memory at his own size: the critical distance.

1,000 bits, a million hard locations, radius 451, 10,000 random words stored under themselves.
Cues ever farther from a stored word are read once, then again and again, what was read being the
next cue: below the critical distance (209 bits after Kanerva, 1988) what is read is nearer than the
cue, so that repeated reading arrives. Only the thousand locations that a cue activates are ever
given counters. `--quick` runs 256 bits, 10^5
locations, 400 words through the component itself.
"""

import time
from typing import Any

import jax
import matplotlib
import numpy as np
from _script import arguments, finish, progress

import ngcmem as nm
from ngcmem.analysis import laws
from ngcmem.memories import hard_locations, read_sparsely

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def flipped(draw: Any, words: np.ndarray, bits: int) -> np.ndarray:
    cues = words.copy()
    for cue in cues:
        cue[draw.choice(words.shape[1], bits, replace=False)] *= -1
    return cues


def main() -> None:
    given = arguments("sparse_distributed_memory", __doc__ or "")
    began, quick, key = time.perf_counter(), given.quick, jax.random.key(given.seed)
    bits, locations, radius, stored, probes = (
        (256, 100_000, 103, 400, 12) if quick else (1000, 1_000_000, 451, 10_000, 5)
    )
    limit = laws.sdm_active_limit(bits, radius, locations)
    draw = np.random.default_rng(given.seed)
    words = draw.choice([-1.0, 1.0], (stored, bits)).astype(np.float32)

    if quick:
        memory = nm.SparseDistributed(
            inputs=bits, outputs=bits, locations=locations, radius=radius, active_limit=limit
        )
        state = nm.store(memory, nm.init(memory, key), words)

        def read(cues: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            answer = nm.read(memory, state, cues)
            return np.asarray(answer.sums), np.asarray(answer.active)
    else:
        addresses = hard_locations(key, locations, bits)
        sparsely = jax.jit(
            lambda cue: read_sparsely(cue, addresses, words, words, radius, limit=limit)
        )

        def read(cues: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            answers = [sparsely(cue) for cue in cues]
            return np.stack([a[0] for a in answers]), np.stack([a[1] for a in answers])

    apart = [0, 20, 40, 60, 70, 80, 100] if quick else [0, 100, 150, 180, 209, 220, 230, 250]
    after, active = [], []
    for distance in progress(apart, "reading"):
        sums, found = read(flipped(draw, words[:probes], distance))
        after.append(np.sum(np.where(sums >= 0, 1, -1) != words[:probes], axis=1))
        active.append(found)
    after, active = np.array(after), np.array(active)

    expected = locations * laws.sdm_activation(bits, radius)
    means = after.mean(1)
    begins = [40, 60, 70, 80] if quick else [150, 180, 209, 230]
    walks = {}
    for distance in progress(begins, "reading again and again"):
        cues, steps = flipped(draw, words[:3], distance), [np.full(3, distance)]
        for _ in range(6):
            cues = np.where(read(cues)[0] >= 0, 1, -1).astype(np.float32)
            steps.append(np.sum(cues != words[:3], axis=1))
        walks[distance] = np.array(steps)

    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    figure, (once, often) = plt.subplots(1, 2, figsize=(9.6, 3.8), layout="constrained")
    once.plot(apart, apart, color="0.55", ls="--", lw=1, label="as far as the cue")
    once.errorbar(apart, means, after.std(1), fmt="o-", ms=4, lw=1.2, capsize=3, label="read once")
    if not quick:
        once.axvline(209, color="C3", lw=1, ls=":", label="209 bits (Kanerva, 1988)")
    once.set(
        xlabel="bits between cue and stored word",
        ylabel="bits between word read and stored word",
        title=f"{bits} bits, {locations:,} locations, {stored:,} words",
    )
    once.legend(frameon=False, loc="upper left")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(walks)))
    for (distance, walk), colour in zip(walks.items(), colours, strict=True):
        lines = often.plot(walk, "o-", ms=3, lw=1, color=colour)
        lines[0].set_label(f"{distance} bits away")
    often.axhline(bits / 2, color="0.55", ls="--", lw=1, label="unrelated words")
    often.set_ylim(-0.02 * bits, 0.68 * bits)
    often.set(
        xlabel="readings",
        ylabel="bits between word read and stored word",
        title="Read again and again, three words each",
    )
    often.legend(frameon=False, loc="upper left", ncols=2)
    for axis in (once, often):
        axis.grid(alpha=0.25, lw=0.6)
    figure.savefig(given.out / "sparse_distributed_memory.png", dpi=110)

    nearer = means < np.array(apart)
    nearer[0] = True
    critical = float("nan")
    if not nearer.all():
        j = int(np.argmin(nearer))
        gaps = means[j - 1 : j + 1] - np.array(apart[j - 1 : j + 1])
        critical = apart[j - 1] + (apart[j] - apart[j - 1]) * -gaps[0] / (gaps[1] - gaps[0])
    finish(
        {
            "distance_of_cue": apart,
            "distance_after_one_reading": means.tolist(),
            "critical_distance": float(critical),
            "distance_after_six_readings": {str(k): walk[-1].tolist() for k, walk in walks.items()},
            "mean_active": float(active.mean()),
            "expected_active": float(expected),
            "seconds": time.perf_counter() - began,
        },
        given.out,
    )


if __name__ == "__main__":
    main()
