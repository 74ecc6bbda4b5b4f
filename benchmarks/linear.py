"""Linear associative memory against the source notebook: fitting, streaming, capacity sweep.

* Fitting W at (d, n): the notebook writes `V @ pinv(K)`. Reference: the fastest of torch (when it
  is installed), NumPy and jax pseudo-inverses; ratio of CPU times, interleaved, in one process.
* Streaming: pairs arriving in blocks (`nm.store`) or one by one (`nm.run` with learn=True) through
  K^T K, solved at the end. References: recursive least squares as a Python loop of NumPy calls,
  exact after every pair, and the same sums as a Python loop; ratio of CPU times per pair.
* Sweep: the notebook's second experiment (fit, recall, cosine for every d and n) as its loop in
  torch or NumPy, against `capacity_sweep`, warm; the first call, with compilation, is reported too.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _script import arguments, finish, interleaved, progress
from jax import Array

import ngcmem as nm
from ngcmem.analysis import capacity_sweep, pinv_recall
from ngcmem.plasticity import solve

try:
    import torch
except ImportError:
    torch = None


@partial(jax.jit, static_argnames="method")
def fitted(keys: Array, values: Array, method: Any = "auto") -> Array:
    return solve(keys, values, method=method).weights


@jax.jit
def jax_pinv(keys: Array, values: Array) -> Array:
    return jnp.linalg.pinv(keys) @ values


def fitting(d: int, n: int, repeats: int, seed: int) -> dict[str, float]:
    draw = np.random.default_rng(seed)
    keys, values = draw.standard_normal((2, n, d)).astype(np.float32)
    k, v = jnp.asarray(keys), jnp.asarray(values)
    columns, targets = np.ascontiguousarray(keys.T), np.ascontiguousarray(values.T)
    candidates: dict[str, Any] = {
        "ngcmem": lambda: fitted(k, v),
        "jax_pinv": lambda: jax_pinv(k, v),
        "numpy_pinv": lambda: targets @ np.linalg.pinv(columns),
    }
    if torch is not None:
        tk, tv = torch.from_numpy(columns), torch.from_numpy(targets)
        candidates["torch_pinv"] = lambda: (tv @ torch.linalg.pinv(tk)).numpy()
    times = interleaved(candidates, repeats)
    exact = np.linalg.lstsq(keys.astype(float), values.astype(float), rcond=None)[0]
    reference = {name: t["cpu"] for name, t in times.items() if name != "ngcmem"}
    document = reference.get("torch_pinv", reference["numpy_pinv"])
    return {
        "seconds": times["ngcmem"]["cpu"],
        "ratio_to_document": times["ngcmem"]["cpu"] / document,
        "ratio_to_fastest": times["ngcmem"]["cpu"] / min(reference.values()),
        **{f"{name}_seconds": t for name, t in reference.items()},
        "relative_error": float(np.linalg.norm(fitted(k, v) - exact) / np.linalg.norm(exact)),
    }


def python_loop(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Recursive least squares, one pair at a time, as one would write it in Python."""
    d = keys.shape[1]
    weights, inverse = (
        np.zeros((d, values.shape[1]), np.float32),
        np.eye(d, dtype=np.float32) / 0.01,
    )
    for key, value in zip(keys, values, strict=True):
        reach = inverse @ key
        gain = reach / (1.0 + key @ reach)
        weights += np.outer(gain, value - key @ weights)
        inverse -= np.outer(gain, reach)
        inverse = 0.5 * (inverse + inverse.T)
    return weights


def gram_loop(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """K^T K and K^T V, one pair at a time, solved at the end."""
    d = keys.shape[1]
    gram, cross = np.zeros((d, d), np.float32), np.zeros((d, values.shape[1]), np.float32)
    for key, value in zip(keys, values, strict=True):
        gram += np.outer(key, key)
        cross += np.outer(key, value)
    return np.linalg.solve(gram, cross)


def streaming(d: int, n: int, block: int, repeats: int, seed: int) -> dict[str, float]:
    """Microseconds of CPU time per pair."""
    keys, values = np.random.default_rng(seed).standard_normal((2, n, d)).astype(np.float32)
    exact = nm.LinearAssociative(
        inputs=d, outputs=d, rule=nm.plasticity.PseudoInverse(on_demand=True)
    )
    recursive = nm.LinearAssociative(
        inputs=d, outputs=d, rule=nm.plasticity.RecursiveLeastSquares()
    )
    few = slice(0, min(n, 2000))
    arriving = {"inputs": keys[:, None], "targets": values[:, None]}

    def blocks() -> Array:
        state = nm.init(exact, jax.random.key(0))
        for i in range(0, n, block):
            state = nm.store(exact, state, keys[i : i + block], values[i : i + block])
        return exact.solve(state).weights

    def one_by_one() -> Array:
        state = nm.init(exact, jax.random.key(0))
        return exact.solve(nm.run(exact, state, steps=n, inputs=arriving, learn=True)[0]).weights

    def scan() -> Array:
        return nm.store(
            recursive, nm.init(recursive, jax.random.key(0)), keys[few], values[few]
        ).weights

    candidates = {
        "blocks": blocks,
        "one_by_one": one_by_one,
        "recursive": scan,
        "recursive_loop": lambda: python_loop(keys[few], values[few]),
        "sums_loop": lambda: gram_loop(keys[few], values[few]),
    }
    times = interleaved(candidates, repeats)
    per_pair = {
        name: 1e6 * t["cpu"] / (n if name in ("blocks", "one_by_one") else len(keys[few]))
        for name, t in times.items()
    }
    solution = np.linalg.lstsq(keys.astype(float), values.astype(float), rcond=None)[0]
    return {f"{name}_us_per_pair": t for name, t in per_pair.items()} | {
        "speed_up": per_pair["recursive_loop"] / per_pair["blocks"],
        "speed_up_one_by_one": per_pair["recursive_loop"] / per_pair["one_by_one"],
        "speed_up_recursive": per_pair["recursive_loop"] / per_pair["recursive"],
        "speed_up_over_sums_loop": per_pair["sums_loop"] / per_pair["blocks"],
        "relative_error": float(np.linalg.norm(blocks() - solution) / np.linalg.norm(solution)),
    }


def timed(function: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """CPU seconds of one call, all threads, and what it returned."""
    clock = time.process_time()
    found = function()
    return time.process_time() - clock, found


def document_loop(sizes: list[int], loads: list[int]) -> np.ndarray:
    """The notebook's second experiment, as written."""
    found = np.zeros((len(sizes), len(loads)))
    for i, d in enumerate(sizes):
        for j, n in enumerate(loads):
            if torch is not None:
                k, v = torch.randn((d, n)), torch.randn((d, n))
                recovered = v @ torch.linalg.pinv(k) @ k
                found[i, j] = torch.nn.functional.cosine_similarity(v, recovered, dim=0).mean()
            else:
                k, v = np.random.default_rng(j).standard_normal((2, d, n)).astype(np.float32)
                recovered = v @ np.linalg.pinv(k) @ k
                norms = np.linalg.norm(v, axis=0) * np.linalg.norm(recovered, axis=0)
                found[i, j] = np.mean(np.sum(v * recovered, axis=0) / norms)
    return found


def main() -> None:
    given = arguments("linear", __doc__ or "")
    quick = given.quick
    repeats = 3
    cases = [(64, 1024), (256, 512)] if quick else [(1024, 4096), (256, 16384)]
    fits = {
        f"{d}x{n}": fitting(d, n, repeats, given.seed)
        for d, n in progress(cases, "fitting", total=len(cases))
    }
    stream = streaming(32 if quick else 64, 4096 if quick else 32768, 4096, 5, given.seed)

    sizes = [16, 64] if quick else [16, 32, 64, 128, 256, 512, 1024]  # the notebook's own
    loads = [2**k for k in range(2, 10 if quick else 16)]

    def ours() -> np.ndarray:
        sweep = capacity_sweep(
            pinv_recall,
            sizes,
            loads,
            jax.random.key(given.seed),
            bucket=lambda size, load: size if load <= size else loads[-1],
            mapped=True,
        )
        return sweep.mean("cosine")

    first, measured = timed(ours)
    again = [timed(ours)[0] for _ in range(3)]
    loop, expected = timed(lambda: document_loop(sizes, loads))
    finish(
        {
            "fit": fits,
            "fit_max_ratio": max(fit["ratio_to_document"] for fit in fits.values()),
            "streaming": stream,
            "streaming_speed_up": stream["speed_up"],
            "sweep_seconds": float(np.median(again)),
            "sweep_first_call_seconds": first,
            "sweep_loop_seconds": loop,
            "sweep_speed_up": loop / float(np.median(again)),
            "sweep_speed_up_of_first_call": loop / first,
            "sweep_disagreement": float(np.abs(measured - expected).max()),
            "reference": "torch" if torch is not None else "numpy",
        },
        given.out,
    )


if __name__ == "__main__":
    main()
