"""Store real handwritten digits in a Hopfield memory, corrupt them, recall them.

500 of scikit-learn's 1,797 digits (8x8, Alpaydin and Kaynak 1998) are stored once. They come back

- from noise: binarised to -1/+1, Gaussian noise of standard deviation 0.4 added, dot similarity;
- from their right half: grey values 0..1, the left half hidden and marked as unknown,
  squared-Euclidean similarity over the known features.

The same memory is also put into a circuit, its outputs wired back to its inputs, and run.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _script import arguments, finish, progress

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.datasets import digits
from ngcmem.plotting import plot_energy, plot_recall

STEPS = 5
NOISE = 0.4


def inside_a_circuit(memory: nm.Hopfield, stored: Any, probes: Any) -> tuple[Any, Any]:
    """Recall by `run`: the outputs are wired back to the inputs, one step later."""
    circuit = nm.connect(dict(memory=memory), [wire(delayed("memory.outputs"), to="memory.inputs")])
    state = nm.init(circuit, jax.random.key(0), batch=len(probes))
    state = state.set({f"memory.{path}": stored[path] for path in ("weights", "count", "written")})
    state = state.set({"memory.outputs": probes})
    state, seen = nm.run(circuit, state, steps=STEPS, record="memory.energy")
    return state["memory.outputs"], seen["memory.energy"]


def energies_of(memory: nm.Hopfield, stored: Any, first: Any) -> np.ndarray:
    """The energy at every step of a recall that starts from filled probes, (steps, batch)."""
    return np.asarray(inside_a_circuit(memory, stored, first)[1], np.float64)


def count_rises(energy: np.ndarray, tolerance: np.ndarray) -> int:
    """How often the energy rises by more than float32 can be wrong, 1e-5 (M^2 + |q|^2/2 + ...)."""
    return int((np.diff(energy, axis=0) > tolerance).sum())


def tolerance_of(memory: nm.Hopfield, patterns: Any, probes: Any) -> np.ndarray:
    largest = float((patterns**2).sum(1).max())
    return 1e-5 * (largest + (probes**2).sum(1) / 2 + np.log(len(patterns)) / float(memory.beta))


def main() -> None:
    given = arguments("recall_digits", __doc__ or "")
    images, _ = digits()
    order = np.random.default_rng(given.seed).permutation(len(images))
    chosen = images[order[: 100 if given.quick else 500]]
    binary, grey = np.where(chosen > 0.5, 1.0, -1.0), chosen
    key = jax.random.key(given.seed)
    results: dict[str, Any] = {}
    shown: dict[str, Any] = {}

    for task in progress(("noise", "mask"), "recall"):
        if task == "noise":
            patterns = jnp.asarray(binary, jnp.float32)
            memory = nm.Hopfield(slots=512, features=64, beta=10.0)
            probes = patterns + NOISE * jax.random.normal(key, patterns.shape)
            known = None
        else:
            patterns = jnp.asarray(grey, jnp.float32)
            memory = nm.Hopfield(slots=512, features=64, beta=200.0, similarity="euclidean")
            known = jnp.tile(jnp.arange(8) >= 4, (len(grey), 8)).astype(jnp.float32)
            probes = patterns * known
        stored = nm.store(memory, nm.init(memory, key), patterns)
        found = nm.read(memory, stored, probes, steps=STEPS, known=known)
        error = np.abs(found.outputs - patterns).max(1)

        # the same recall by run, from the probe or, with hidden features, from the filled probe
        start = probes
        if known is not None:
            filled = nm.read(memory, stored, probes, known=known).outputs
            start = jnp.where(known > 0, probes, filled)
        alone = nm.recall(memory, stored, start, steps=STEPS)
        circuit_outputs, _ = inside_a_circuit(memory, stored, start)
        energy = energies_of(memory, stored, start)
        results[task] = {
            "exact": float((error < 1e-3).mean()),
            "error": float(error.mean()),
            "rises": count_rises(energy, tolerance_of(memory, patterns, start)),
            "same": bool((np.asarray(circuit_outputs) == np.asarray(alone)).all()),
            "energy": energy,
        }
        shown[task] = (probes, known, found.outputs, patterns)

    print_table(results, len(chosen))
    draw(shown, results, given.out)
    finish(
        {
            "digits": len(chosen),
            "exact_recall_noise": results["noise"]["exact"],
            "exact_recall_mask": results["mask"]["exact"],
            "energy_rises": results["noise"]["rises"] + results["mask"]["rises"],
            "circuit_equals_component": results["noise"]["same"] and results["mask"]["same"],
            "mean_error_noise": results["noise"]["error"],
            "mean_error_mask": results["mask"]["error"],
        },
        given.out,
    )


def print_table(results: dict[str, Any], count: int) -> None:
    print(f"{count} digits stored, {STEPS} steps of recall\n")
    print(f"{'cue':34}{'exact':>8}{'worst pixel, mean':>20}{'energy rises':>14}")
    names = {"noise": f"-1/+1, noise of {NOISE}", "mask": "grey, left half hidden"}
    for task, found in results.items():
        print(f"{names[task]:34}{found['exact']:8.3f}{found['error']:20.2e}{found['rises']:14d}")


def draw(shown: dict[str, Any], results: dict[str, Any], out: Path) -> None:
    for task, (probes, known, recalled, patterns) in shown.items():
        axes = plot_recall(probes, recalled, patterns, (8, 8), known=known, count=10)
        axes[0, 0].figure.savefig(out / f"recall_{task}.png", dpi=110, bbox_inches="tight")
    axes = plot_energy({task: found["energy"] for task, found in results.items()})
    axes[0].figure.savefig(out / "energy.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
