"""Kanerva's sparse distributed memory at his own size: the critical distance.

1,000 bits, a million hard locations, radius 451, 10,000 random words stored under themselves.
Cues ever farther from a stored word are read once; below the critical distance (209 bits after
Kanerva, 1988) what is read is nearer than the cue, so that repeated reading arrives. Only the
thousand locations that a cue activates are ever given counters. `--quick` runs 256 bits, 10^5
locations, 400 words through the component itself.
"""

import time
from typing import Any

import jax
import matplotlib
import numpy as np

import ngcmem as nm
from ngcmem.analysis import laws
from ngcmem.interop.scripts import arguments, finish, progress
from ngcmem.plasticity.sparse_counters import hard_locations, read_sparsely

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


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

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    axes[0].plot(apart, apart, "k--", lw=1, label="as far as the cue")
    axes[0].errorbar(apart, after.mean(1), after.std(1), fmt="o-", capsize=3, label="read once")
    if not quick:
        axes[0].axvline(209, color="gray", lw=1, ls=":", label="209 bits (Kanerva, 1988)")
    axes[0].set(
        xlabel="bits between cue and stored word",
        ylabel="bits between word read and stored word",
        title=f"{bits} bits, {locations:,} locations, {stored:,} words",
    )
    axes[0].legend(fontsize=8)
    expected = locations * laws.sdm_activation(bits, radius)
    axes[1].hist(active.ravel(), bins=15, color="C0", alpha=0.7)
    axes[1].axvline(expected, color="k", lw=1, label=f"binomial tail: {expected:.0f}")
    axes[1].set(xlabel="hard locations within the radius", ylabel="cues", title="Active locations")
    axes[1].legend(fontsize=8)
    figure.savefig(given.out / "sparse_distributed_memory.png", dpi=80)

    means = after.mean(1)
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
            "mean_active": float(active.mean()),
            "expected_active": float(expected),
            "seconds": time.perf_counter() - began,
        },
        given.out,
    )


if __name__ == "__main__":
    main()
