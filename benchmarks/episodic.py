"""One trial of episodic memory, retrieve and store: Episodic against jnp written by hand.

1,000 slots, a key and a value field of 11 features each, a full memory, one query per trial. The
hand-written version does what the tutorial's module does and no more: dot products, softmax,
weighted sum, overwriting the oldest slot; no usage, strengths, ages, masks or flags. CPU time,
medians, interleaved. PsyNeuLink and torch are reported beside when installed; their constants
are what was measured elsewhere (PsyNeuLink 0.21.0, torch 2.13, two shared cores).
"""

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm
from ngcmem.interop.scripts import arguments, finish, interleaved

FEATURES, TRIALS = 11, 1000
PSYNEULINK_MICROSECONDS, TORCH_MICROSECONDS = 523_000.0, 92.0


def hand_written(slots):
    def trial(carry, key, value):
        keys, values, i = carry
        weights = jax.nn.softmax(10.0 * (keys @ key))
        retrieved = weights @ values
        keys = jax.lax.dynamic_update_index_in_dim(keys, key, i % slots, 0)
        values = jax.lax.dynamic_update_index_in_dim(values, value, i % slots, 0)
        return (keys, values, i + 1), retrieved

    def scanned(carry, keys, values):
        return jax.lax.scan(lambda c, kv: trial(c, *kv), carry, (keys, values))

    return jax.jit(trial), jax.jit(scanned)


def contenders(slots, trials, seed):
    draw = np.random.default_rng(seed)
    keys, values = draw.normal(size=(2, slots + trials, FEATURES)).astype(np.float32)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    memory = nm.Episodic(slots=slots, keys=FEATURES, values=FEATURES, similarity="dot", beta=10.0)
    full = nm.store(memory, nm.init(memory, jax.random.key(seed)), keys[:slots], values[:slots])
    new_keys, new_values = jnp.asarray(keys[slots:]), jnp.asarray(values[slots:])
    by_hand = (jnp.asarray(keys[:slots]), jnp.asarray(values[:slots]), jnp.int32(slots))
    trial, scanned = hand_written(slots)
    driven = {"inputs": new_keys[:, None], "targets": new_values[:, None]}

    @jax.jit
    def ours(memory, state, key, value):
        state = nm.advance_state(memory, state.replace(inputs=key, targets=value))
        return nm.evolve(memory, state)

    def our_scan():
        return nm.run(memory, full, steps=trials, inputs=driven, record="outputs", learn=True)[1]

    def hand_scan():
        return scanned(by_hand, new_keys, new_values)[1]

    def calls(step, first, one):
        def run():
            carry = first
            for i in range(min(trials, 200)):
                carry = step(carry, i % one)
            return carry

        return run

    rows = [(new_keys[i : i + 1], new_values[i : i + 1]) for i in range(16)]
    singles = [(new_keys[i], new_values[i]) for i in range(16)]
    our_calls = calls(lambda s, i: ours(memory, s, *rows[i]), full, 16)
    hand_calls = calls(lambda c, i: trial(c, *singles[i])[0], by_hand, 16)
    same = np.abs(our_scan()["outputs"][:, 0] - hand_scan()).max()
    return {
        "ours_scan": our_scan, "hand_scan": hand_scan, "ours_call": our_calls,
        "hand_call": hand_calls,
    }, float(same), min(trials, 200)  # fmt: skip


def torch_module(slots, trials, seed):
    """The tutorial's module in torch, one thread: retrieve and store; None without torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(seed)
    keys, values = torch.rand((2, slots, FEATURES), generator=draw)
    new = torch.rand((trials, FEATURES), generator=draw)

    def run():
        for i in range(trials):
            match = torch.einsum("ba,ca->cb", keys, new[i : i + 1])
            match = torch.where(match.abs() > 0.001, match, -torch.inf)
            weights = torch.exp(match - match.max())
            torch.einsum("ab,ca->cb", values, weights / weights.sum())
            keys[i % slots] = new[i]
            values[i % slots] = new[i]

    return run


def large_memory(slots, batch, seed):
    """One read of a batch from a large memory, by chunks and whole."""
    memory = nm.Episodic(slots=slots, keys=FEATURES, values=FEATURES, similarity="dot")
    keys = jax.random.normal(jax.random.key(seed), (slots, FEATURES))
    state = nm.store(memory, nm.init(memory, jax.random.key(seed)), keys, keys)
    queries = keys[:batch]

    def reader(method):
        # Only the outputs leave the program, so per-slot compartments are dead code.
        read = jax.jit(lambda m, s, q: nm.recall(m, s, q))
        return lambda: read(memory.replace(method=method), state, queries)

    return {method: reader(method) for method in ("streamed", "materialised")}


def main():
    options = arguments("benchmark_episodic", __doc__ or "")
    trials = 200 if options.quick else TRIALS
    repeats = 5 if options.quick else 25
    runs, difference, called = contenders(1000, trials, options.seed)
    if peer := torch_module(1000, called, options.seed):
        runs["torch"] = peer
    times = interleaved(runs, repeats)
    micro = {
        name: {k: 1e6 * v / (trials if "scan" in name else called) for k, v in both.items()}
        for name, both in times.items()
    }
    slots, batch = (20_000, 64) if options.quick else (100_000, 256)
    large = interleaved(large_memory(slots, batch, options.seed), 3 if options.quick else 7)
    metrics = {
        "scan_ratio": micro["ours_scan"]["cpu"] / micro["hand_scan"]["cpu"],
        "call_ratio": micro["ours_call"]["cpu"] / micro["hand_call"]["cpu"],
        "largest_difference": difference,
        "scan_microseconds": micro["ours_scan"]["cpu"],
        "hand_scan_microseconds": micro["hand_scan"]["cpu"],
        "call_microseconds": micro["ours_call"]["cpu"],
        "hand_call_microseconds": micro["hand_call"]["cpu"],
        "torch_microseconds": micro["torch"]["cpu"] if peer else None,
        "psyneulink_microseconds_recorded": PSYNEULINK_MICROSECONDS,
        "torch_microseconds_recorded": TORCH_MICROSECONDS,
        f"streamed_{slots}_slots_batch_{batch}_milliseconds": 1e3 * large["streamed"]["cpu"],
        f"materialised_{slots}_slots_batch_{batch}_milliseconds": 1e3
        * large["materialised"]["cpu"],
    }
    finish(metrics, options.out)


if __name__ == "__main__":
    main()
