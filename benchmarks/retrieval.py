"""Streamed retrieval beside bare matrix products, the materialised form and torch's attention.

CPU time and wall time are medians of interleaved calls, each after an untimed one of its own kind,
so that a call pays for freeing the memory of its own kind and not of the one before. Memory is
XLA's own count of temporary bytes, which needs no run. Keys read N<slots>_B<probes>_<what>; `cpu_`
and `wall_` are milliseconds, ratios are of CPU time. d = 64, float32, beta = 16.

`squared_products` and `exponential_products` are floors: the chunked products with one square, or
one exponential, of every similarity in between. `attention` is torch's scaled dot-product
attention, with its own number of threads and with one, whichever takes less CPU time. `hopfield`
is `nm.recall` of a full memory, which counts its slots.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import ngcmem as nm
from ngcmem.retrieval import Dot, Softmax, choose, retrieve_batch
from ngcmem.retrieval._streaming import chunk_size

FEATURES, BETA = 64, 16.0
BATCHES = (1, 32, 256)
SLOTS = (1_000, 10_000, 100_000, 1_000_000)


def recall(probes, patterns, count=None, method="auto"):
    return retrieve_batch(
        probes,
        patterns,
        count=count,
        similarity=Dot(),
        separation=Softmax(),
        beta=BETA,
        method=method,
    ).outputs


def whole_products(probes, patterns):
    return (probes @ patterns.T) @ patterns


def chunked_products(probes, patterns, between=lambda similarities: similarities):
    """Both products, a chunk at a time, with as little as possible in between."""
    slots = patterns.shape[0]
    size = chunk_size(probes.shape[0], slots)

    def body(index, total):
        rows = lax.dynamic_slice_in_dim(patterns, jnp.minimum(index * size, slots - size), size)
        return total + between(probes @ rows.T) @ rows

    return lax.fori_loop(0, -(-slots // size), body, jnp.zeros_like(probes))


def measure(functions: dict[str, Callable], arguments: dict[str, list], repeats: int):
    """Median (CPU ms, wall ms) per function; calls interleave, with other probes in every round."""
    for name, function in functions.items():
        jax.block_until_ready(function(*arguments[name][0]))
    cpu = {name: [] for name in functions}
    wall = {name: [] for name in functions}
    for repeat in range(repeats):
        for name, function in functions.items():
            probes = arguments[name][repeat % len(arguments[name])]
            jax.block_until_ready(function(*probes))
            start_wall, start_cpu = time.perf_counter(), time.process_time()
            jax.block_until_ready(function(*probes))
            cpu[name].append(1e3 * (time.process_time() - start_cpu))
            wall[name].append(1e3 * (time.perf_counter() - start_wall))
    return {name: (statistics.median(cpu[name]), statistics.median(wall[name])) for name in cpu}


def torch_attention(patterns: np.ndarray):
    """Functions of probes, by number of threads, calling torch's attention; {} without torch."""
    try:
        import torch
    except ImportError:
        return {}
    stored = torch.from_numpy(patterns)[None, None]

    def with_threads(threads):
        def attend(probes):
            torch.set_num_threads(threads)
            with torch.no_grad():
                return torch.nn.functional.scaled_dot_product_attention(
                    torch.from_numpy(probes)[None, None], stored, stored, scale=BETA
                )

        return attend

    return {f"attention_{n}_threads": with_threads(n) for n in {1, torch.get_num_threads()}}


def hopfield(patterns: np.ndarray, method: str) -> Callable:
    memory = nm.Hopfield(slots=len(patterns), features=FEATURES, beta=BETA, method=method)
    state = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)
    return lambda probes: nm.recall(memory, state, probes)


def compare(slots: int, batch: int, patterns: np.ndarray, repeats: int) -> dict[str, float]:
    random = np.random.default_rng(slots + batch)
    drawn = [random.normal(size=(batch, FEATURES)).astype(np.float32) / 8 for _ in range(3)]
    stored = jnp.asarray(patterns[:slots])
    functions: dict[str, Callable] = {
        "streamed": jax.jit(lambda q, x: recall(q, x, method="streamed")),
        "materialised": jax.jit(lambda q, x: recall(q, x, method="materialised")),
        "whole_products": jax.jit(whole_products),
        "chunked_products": jax.jit(chunked_products),
    }
    if batch > 1 and slots >= 100_000:
        functions |= {
            "squared_products": jax.jit(partial(chunked_products, between=jnp.square)),
            "exponential_products": jax.jit(partial(chunked_products, between=jnp.exp)),
        }
    arguments = {name: [(jnp.asarray(q), stored) for q in drawn] for name in functions}
    if batch > 1 and slots >= 100_000:
        functions |= (attentions := torch_attention(patterns[:slots]))
        arguments |= {name: [(q,) for q in drawn] for name in attentions}
    if slots <= 100_000:
        for method in ("auto", "materialised"):
            functions[f"hopfield_{method}"] = hopfield(patterns[:slots], method)
            arguments[f"hopfield_{method}"] = [(jnp.asarray(q),) for q in drawn]
    times = measure(functions, arguments, repeats)
    key = f"N{slots}_B{batch}_"
    found = {}
    if slots <= 100_000:
        auto, whole = times["hopfield_auto"][0], times["hopfield_materialised"][0]
        found[f"{key}hopfield_auto_over_materialised"] = auto / whole
    for name, (cpu, wall) in times.items():
        found[f"{key}cpu_{name}"], found[f"{key}wall_{name}"] = cpu, wall
    if attentions := [name for name in times if name.startswith("attention")]:
        times["attention"] = times[min(attentions, key=lambda name: times[name][0])]
    for name in sorted(set(times) - {"streamed"}):
        found[f"{key}streamed_over_{name}"] = times["streamed"][0] / times[name][0]
    chosen = choose(batch, slots, Softmax(), counted=False)
    found[f"{key}auto_is_streamed"] = float(chosen == "streamed")
    found[f"{key}auto_over_materialised"] = times[chosen][0] / times["materialised"][0]
    return found


def temporary_bytes(function: Callable, *shapes: tuple[int, ...]) -> int:
    arguments = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return jax.jit(function).lower(*arguments).compile().memory_analysis().temp_size_in_bytes


def memory() -> dict[str, float]:
    large, middle = (1_000_000, FEATURES), (131_072, FEATURES)
    probes = (256, FEATURES)

    def gradient(q, x):
        return jax.grad(lambda q, x: (recall(q, x) ** 2).sum(), (0, 1))(q, x)

    return {
        "N1000000_B256_temp_mb_streamed": temporary_bytes(recall, probes, large) / 1e6,
        "N1000000_B256_temp_mb_materialised": temporary_bytes(
            lambda q, x: recall(q, x, method="materialised"), probes, large
        )
        / 1e6,
        "N131072_B256_temp_mb_gradient": temporary_bytes(gradient, probes, middle) / 1e6,
    }


def fill(patterns: np.ndarray, repeats: int) -> dict[str, float]:
    slots, probe = len(patterns), jnp.asarray(patterns[7:8])
    run = jax.jit(lambda q, x, count: recall(q, x, count, method="streamed"))
    stored = jnp.asarray(patterns)
    arguments = {
        "full": [(probe, stored, jnp.int32(slots))],
        "tenth": [(probe, stored, jnp.int32(slots // 10))],
    }
    times = measure(dict.fromkeys(arguments, run), arguments, repeats)
    return {f"N{slots}_B1_tenth_full_over_full": times["tenth"][0] / times["full"][0]}


def accuracy(patterns: np.ndarray, probes: int = 8) -> dict[str, float]:
    """Largest relative error over probes of norm 1, at random and near a pattern (0.1 away).

    The floor is the error that remains if each similarity is rounded to float32 once and all else
    is exact.
    """
    slots, random = len(patterns), np.random.default_rng(1)
    at_random = random.normal(size=(probes, FEATURES))
    near = patterns[:probes] + 0.1 * random.normal(size=(probes, FEATURES)) / 8
    run = jax.jit(lambda q, x: recall(q, x, method="streamed"))
    stored, wide = jnp.asarray(patterns), patterns.astype(np.float64)
    found = {}
    for name, drawn in (("random", at_random), ("near", near)):
        errors, floors = [], []
        for probe in (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32):
            similarities = wide @ probe
            expected = weighted_mean(similarities, wide)
            rounded = weighted_mean(similarities.astype(np.float32).astype(np.float64), wide)
            got = np.asarray(run(jnp.asarray(probe)[None], stored))[0]
            size = np.linalg.norm(expected)
            errors.append(np.linalg.norm(got - expected) / size)
            floors.append(np.linalg.norm(rounded - expected) / size)
        found[f"N{slots}_B1_relative_error_{name}"] = float(max(errors))
        found[f"N{slots}_B1_relative_error_floor_{name}"] = float(max(floors))
    return found


def weighted_mean(similarities: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    weights = np.exp(BETA * (similarities - similarities.max()))
    return weights @ patterns / weights.sum()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="at most 1e5 slots and 3 repeats")
    parser.add_argument("--out", type=Path, default=Path("out/retrieval"))
    options = parser.parse_args()
    sizes = SLOTS[:3] if options.quick else SLOTS
    random = np.random.default_rng(options.seed)
    patterns = random.normal(size=(sizes[-1], FEATURES)).astype(np.float32)
    patterns /= np.linalg.norm(patterns, axis=1, keepdims=True)
    metrics: dict[str, float] = {"cores": float(os.cpu_count() or 0)} | memory()
    for slots in sizes:
        for batch in BATCHES:
            repeats = 3 if options.quick else max(3, min(31, int(2e8 / (slots * batch))))
            metrics |= compare(slots, batch, patterns, repeats)
            print(f"N={slots} B={batch} done", flush=True)
    metrics |= fill(patterns, 5 if options.quick else 15) | accuracy(patterns)
    if hasattr(os, "getloadavg"):
        metrics["load_average"] = os.getloadavg()[0]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=2))
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
