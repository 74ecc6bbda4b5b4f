"""A scaffold of places: the memory cliff and the continuum, and a memory palace.

Places recovered from damaged codes; content that degrades as a law says where a Hopfield network of
as many synapses falls off a cliff; walks that replay themselves; digits put along a path and found
again by walking it.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from _script import arguments, finish
from scipy.special import erf

import ngcmem as nm

TORI = ((3, 3), (4, 4), (5, 5))
WAYS = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])


def recovered(hidden, share, seed):
    """The share of all 3,600 places found from codes with flipped cells."""
    memory = nm.Scaffold(features=1, modules=TORI, hidden=hidden)
    state = nm.init(memory, jax.random.key(seed))
    places = memory.grid.numbered(jnp.arange(memory.grid.places, dtype=jnp.int32))
    codes = memory.codes(state, places)
    flips = jax.random.uniform(jax.random.key(seed + 100), codes.shape) < share
    found = memory.completed(state, jnp.where(flips, -codes, codes))
    return float((found == places).all(1).mean())


def scaffold_overlap(stored, features, hidden, seed):
    """Overlap of recalled and stored random content, from clean cues."""
    memory = nm.Scaffold(features=features, modules=TORI, hidden=hidden)
    contents = jax.random.rademacher(jax.random.key(seed), (stored, features), jnp.float32)
    state = nm.store(memory, nm.init(memory, jax.random.key(seed + 1)), contents)
    return float((nm.recall(memory, state, contents) * contents).mean())


def hopfield_overlap(stored, units, seed):
    """The same of a Hebbian Hopfield network started at its patterns, settled."""
    memory = nm.ClassicalHopfield(features=units)
    patterns = jax.random.rademacher(jax.random.key(seed), (stored, units), jnp.float32)
    state = nm.store(memory, nm.init(memory, jax.random.key(seed + 1)), patterns)
    probes = patterns[: min(stored, 60)]
    return float((nm.recall(memory, state, probes, steps=20) * probes).mean())


def walk(length, seed):
    """Single steps on 60 x 60 places that never come back to one."""
    draw = np.random.default_rng(seed)
    while True:
        at, been, moves = np.zeros(2, int), {(0, 0)}, []
        for _ in range(length):
            free = [w for w in WAYS if tuple((at + w) % 60) not in been]
            if not free:
                break
            moves.append(free[draw.integers(len(free))])
            at = (at + moves[-1]) % 60
            been.add(tuple(at))
        if len(moves) == length:
            return np.array(moves, np.float32)


def replay(memory, contents, moves, key):
    """Places and contents while a stored walk replays itself, and the places it went through."""
    state = memory.store_path(nm.init(memory, key), contents, moves)
    state = state.replace(sense=np.zeros(1, np.float32), follow=np.ones(1, np.float32))
    _, seen = nm.run(memory, state, steps=len(moves), record=("place", "outputs"))
    places = np.concatenate([[[0, 0]], np.cumsum(moves, 0)[:-1]]).astype(int) % 60
    return np.asarray(seen["place"][:, 0]), np.asarray(seen["outputs"][:, 0]), places


def path_errors(steps, seed):
    """Wrong places in so many random steps of path integration."""
    memory = nm.Scaffold(features=1, modules=TORI, hidden=50)
    state = nm.init(memory, jax.random.key(seed)).replace(sense=np.zeros(1, np.float32))
    moves = np.random.default_rng(seed).integers(-1, 2, (steps, 1, 2)).astype(np.float32)
    _, seen = nm.run(memory, state, steps=steps, inputs={"velocity": moves}, record="place")
    return int((np.asarray(seen["place"]) != np.cumsum(moves, 0).astype(int) % 60).any(-1).sum())


def palace(count, hidden, seed):
    """Digits along a walk, recalled by walking it again."""
    images, _ = nm.datasets.digits()
    picked = np.random.default_rng(seed).permutation(len(images))[:count]
    rows = np.asarray(images[picked], np.float32)
    memory = nm.Scaffold(features=64, modules=TORI, hidden=hidden, content="linear")
    _, recalled, _ = replay(memory, rows, walk(count, seed), jax.random.key(seed))
    return rows, recalled


def figure(curves, rows, recalled, path):
    drawn = plt.figure(figsize=(9, 3.6), layout="constrained")
    left, right = drawn.subfigures(1, 2, width_ratios=[1.1, 1])
    ax = left.subplots()
    (counts, found), (cliff, hopfield), (hidden, law) = curves
    ax.plot(counts, found, "o-", label=f"scaffold, {hidden} hidden cells")
    ax.plot(*law, "k:", lw=1, label="law")
    ax.plot(cliff, hopfield, "s-", label="Hopfield network")
    ax.set(xscale="log", xlabel="patterns stored", ylabel="overlap", ylim=(0, 1.05))
    ax.set_title("As many synapses, two ways to be full")
    ax.legend(fontsize=8)
    shown = right.subplots(2, 6)
    right.suptitle("A memory palace: digits along a walk, recalled by walking", fontsize=10)
    for axis, image in zip(shown.ravel(), [*rows[:6], *recalled[:6]], strict=True):
        axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    shown[0, 0].set_ylabel("stored")
    shown[1, 0].set_ylabel("recalled")
    drawn.savefig(path, dpi=150)


def main():
    given = arguments("scaffold_memory", __doc__.splitlines()[0])
    quick = given.quick
    hidden, features = (100, 256) if quick else (400, 1024)
    counts = (50, 150) if quick else (200, 400, 600, 800, 1200)
    seeds = range(given.seed, given.seed + (1 if quick else 2))
    overlap = {
        n: float(np.mean([scaffold_overlap(n, features, hidden, 10 * s) for s in seeds]))
        for n in counts
    }
    units = round(np.sqrt(2 * hidden * features + 2 * hidden * 50))
    cliff = (0.1, 0.12, 0.14, 0.16, 0.1942, 0.28, 0.43) if not quick else (0.1, 0.2)
    hopfield = {round(a * units): hopfield_overlap(round(a * units), units, 3) for a in cliff}
    beyond = np.geomspace(hidden + 1, max(counts), 50)
    law = (beyond, erf(np.sqrt(hidden / 2 / (beyond - hidden))))
    moves = walk(hidden, given.seed)
    went, _, places = replay(
        nm.Scaffold(features=4, modules=TORI, hidden=hidden),
        np.ones((hidden, 4), np.float32),
        moves,
        jax.random.key(given.seed),
    )
    rows, again = palace(60, hidden, given.seed)
    metrics = dict(
        recovered_20=recovered(hidden, 0.2, given.seed),
        overlap={str(n): value for n, value in overlap.items()},
        hopfield_overlap={str(n): value for n, value in hopfield.items()},
        hopfield_overlap_180=hopfield.get(180),
        walk_errors=int((went != places).any(1).sum()),
        path_errors=path_errors(200 if quick else 2000, given.seed),
        palace_error=float(np.abs(again - rows).max()),
    )
    print(f"of 3,600 places, 20 % of the code flipped: {metrics['recovered_20']:.4f} found")
    print(f"overlap by patterns: scaffold {overlap}, Hopfield network {hopfield}")
    print(
        f"wrong places: {metrics['walk_errors']} of a walk of {hidden}, "
        f"{metrics['path_errors']} of path integration"
    )
    curves = (list(overlap), list(overlap.values())), (list(hopfield), list(hopfield.values()))
    figure((*curves, (hidden, law)), rows, again, given.out / "scaffold_memory.png")
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
