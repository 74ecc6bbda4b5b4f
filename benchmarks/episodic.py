"""One trial of episodic memory, retrieve and store: Episodic against jnp written by hand.

1,000 slots, a key and a value field of 11 features each, a full memory, one query per trial. Two
hand-written versions: `hand` does what the tutorial's module does and no more (dot products,
softmax, weighted sum, overwriting the oldest slot: 4 arrays); `ledger` also returns and keeps what
`Episodic` does (similarities, weights, flags, strengths, usage, ages: 20 arrays). A call is a
function the user jitted, the memory a constant in it as the gain is in the hand-written ones.
CPU time, medians, interleaved. PsyNeuLink 0.21 and the tutorial's torch module run beside when
installed; their constants are what was measured elsewhere (torch 2.13, two shared cores).
"""

import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from _script import arguments, finish, interleaved

import ngcmem as nm

FEATURES, TRIALS, CALLS, SLOTS = 11, 1000, 200, 1000
PSYNEULINK_MICROSECONDS, TORCH_MICROSECONDS = 523_000.0, 92.0
MEMORY = nm.Episodic(slots=SLOTS, keys=FEATURES, values=FEATURES, similarity="dot", beta=10.0)


def put(rows, row, slot):
    return jax.lax.dynamic_update_index_in_dim(rows, row, slot, 0)


def hand(carry, key, value):
    """Retrieve, and overwrite the oldest slot: (keys, values, number written)."""
    keys, values, i = carry
    weights = jax.nn.softmax(10.0 * (keys @ key))
    slot = i % SLOTS
    return (put(keys, key, slot), put(values, value, slot), i + 1), weights @ values


def ledger(state, key, value):
    """The same with what `Episodic` returns and keeps, each in an array of its own."""
    used = jnp.arange(SLOTS) < state["count"]
    scores = state["keys"] @ (state["known"] * key)
    best = jnp.max(jnp.where(used, scores, -jnp.inf))
    density = jnp.where(used, jnp.exp(10.0 * (scores - best)), 0)
    weights = density / jnp.sum(density)
    clock, gate = state["clock"] + 1, state["gate"] > 0.5
    read = weights >= 0.999 / state["count"]
    full = state["count"] >= SLOTS
    slot = jnp.where(full, state["oldest"], state["count"])
    now = clock + gate

    def write(rows, row):
        return put(rows, jnp.where(gate, row, rows[slot]), slot)

    return {
        **{name: state[name] for name in ("known", "gate", "refused")},
        "inputs": key,
        "targets": value,
        "outputs": weights @ state["values"],
        "similarities": jnp.where(used, scores, 0),
        "weights": weights,
        "best": best,
        "intensity": jnp.sum(weights),
        "matched": jnp.any(weights > 0),
        "keys": write(state["keys"], key),
        "values": write(state["values"], value),
        "strength": write(state["strength"], 1.0),
        "usage": write(state["usage"] + weights, 0.0),
        "written": write(state["written"], now),
        "last_used": write(jnp.where(read, clock, state["last_used"]), now),
        "count": jnp.minimum(state["count"] + gate, SLOTS),
        "oldest": (state["oldest"] + (gate & full)) % SLOTS,
        "clock": now,
    }


def ledger_of(state, key, value):
    """What `ledger` starts from: the numbers of an Episodic's state."""
    names = ("strength", "usage", "written", "last_used", "count", "oldest", "clock", "refused")
    numbers = {name: jnp.array(state[name]) for name in ("keys", "values", *names)}
    return ledger({**numbers, "known": jnp.ones(FEATURES), "gate": jnp.ones(())}, key, value)


def ours(memory, state, key, value):
    state = nm.advance_state(memory, state.replace(inputs=key, targets=value))
    return nm.evolve(memory, state)


def calls(step, begin, one_more):
    """CALLS calls of a jitted step, each with the state of the one before."""

    def run():
        carry = jax.tree.map(jnp.copy, begin)
        for i in range(CALLS):
            carry = step(carry, *one_more[i % len(one_more)])
        return carry

    return run


def contenders(trials, seed):
    """By name what is timed, and the largest difference of what ours and hand retrieve."""
    draw = np.random.default_rng(seed)
    keys, values = draw.normal(size=(2, SLOTS + trials, FEATURES)).astype(np.float32)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    full = nm.store(MEMORY, nm.init(MEMORY, jax.random.key(seed)), keys[:SLOTS], values[:SLOTS])
    new_keys, new_values = jnp.asarray(keys[SLOTS:]), jnp.asarray(values[SLOTS:])
    by_hand = (jnp.asarray(keys[:SLOTS]), jnp.asarray(values[:SLOTS]), jnp.int32(SLOTS))
    driven = {"inputs": new_keys[:, None], "targets": new_values[:, None]}

    def our_scan():
        return nm.run(MEMORY, full, steps=trials, inputs=driven, record="outputs", learn=True)[1]

    scanned = jax.jit(lambda c, k, v: jax.lax.scan(lambda c, kv: hand(c, *kv), c, (k, v)))
    rows = [(new_keys[i : i + 1], new_values[i : i + 1]) for i in range(16)]
    singles = [(new_keys[i], new_values[i]) for i in range(16)]
    kept = ledger_of(full, *singles[0])
    closed = jax.jit(lambda state, key, value: ours(MEMORY, state, key, value))
    donating = jax.jit(lambda s, key, value: ours(MEMORY, s, key, value), donate_argnums=0)
    as_argument = jax.jit(ours)
    by_hand_call, by_hand_donating = jax.jit(hand), jax.jit(hand, donate_argnums=0)
    runs = {
        "scan": our_scan,
        "hand_scan": lambda: scanned(by_hand, new_keys, new_values)[1],
        "call": calls(closed, full, rows),
        "hand_call": calls(lambda c, *kv: by_hand_call(c, *kv)[0], by_hand, singles),
        "ledger_call": calls(jax.jit(ledger), kept, singles),
        "donated_call": calls(donating, full, rows),
        "hand_donated_call": calls(lambda c, *kv: by_hand_donating(c, *kv)[0], by_hand, singles),
        "memory_argument_call": calls(lambda s, *kv: as_argument(MEMORY, s, *kv), full, rows),
        "verbs_call": calls(lambda s, *kv: ours(MEMORY, s, *kv), full, rows),
        "store_call": calls(lambda s, *kv: nm.store(MEMORY, s, *kv), full, rows),
    }
    difference = float(np.abs(our_scan()["outputs"][:, 0] - runs["hand_scan"]()).max())
    return runs, difference


def torch_module(seed):
    """CALLS trials of the tutorial's module in torch, one thread; None without torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(seed)
    keys, values = torch.rand((2, SLOTS, FEATURES), generator=draw)
    new = torch.rand((CALLS, FEATURES), generator=draw)

    def run():
        for i in range(CALLS):
            match = torch.einsum("ba,ca->cb", keys, new[i : i + 1])
            match = torch.where(match.abs() > 0.001, match, -torch.inf)
            weights = torch.exp(match - match.max())
            torch.einsum("ab,ca->cb", values, weights / weights.sum())
            keys[i % SLOTS] = new[i]
            values[i % SLOTS] = new[i]

    return run


def psyneulink(trials, seed):
    """CPU microseconds of a trial of PsyNeuLink's EMComposition, median; None without it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import psyneulink
    except ImportError:
        return None
    names, template = ["key", "value"], [[0] * FEATURES] * 2
    memory = psyneulink.EMComposition(
        memory_template=template, memory_capacity=SLOTS, field_weights=[1, None], field_names=names
    )
    draw = np.random.default_rng(seed)
    nodes = (memory.query_input_nodes[0], memory.value_input_nodes[0])
    seconds = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # it divides by the norms of its empty rows
        for _ in range(trials + 1):
            given = {
                node: [row]
                for node, row in zip(nodes, draw.normal(size=(2, FEATURES)), strict=True)
            }
            begin = time.process_time()
            memory.run(inputs=given)
            seconds.append(time.process_time() - begin)
    return 1e6 * float(np.median(seconds[1:]))


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
    trials = CALLS if options.quick else TRIALS
    runs, difference = contenders(trials, options.seed)
    if peer := torch_module(options.seed):
        runs["torch_call"] = peer
    times = interleaved(runs, 5 if options.quick else 25)
    micro = {n: 1e6 * t["cpu"] / (trials if "scan" in n else CALLS) for n, t in times.items()}
    slots, batch = (20_000, 64) if options.quick else (100_000, 256)
    large = interleaved(large_memory(slots, batch, options.seed), 3 if options.quick else 7)
    metrics = {
        "scan_ratio": micro["scan"] / micro["hand_scan"],
        "call_ratio": micro["call"] / micro["hand_call"],
        "call_ratio_wall": times["call"]["wall"] / times["hand_call"]["wall"],
        "donated_call_ratio": micro["donated_call"] / micro["hand_donated_call"],
        "call_ratio_to_hand_with_bookkeeping": micro["call"] / micro["ledger_call"],
        "largest_difference": difference,
        **{f"{name}_microseconds": value for name, value in micro.items()},
        "psyneulink_microseconds": psyneulink(2 if options.quick else 5, options.seed),
        "psyneulink_microseconds_recorded": PSYNEULINK_MICROSECONDS,
        "torch_microseconds_recorded": TORCH_MICROSECONDS,
        **{
            f"{method}_{slots}_slots_batch_{batch}_milliseconds": 1e3 * seconds["cpu"]
            for method, seconds in large.items()
        },
    }
    finish(metrics, options.out)


if __name__ == "__main__":
    main()
