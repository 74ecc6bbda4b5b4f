"""Recall until an example's free features rest: the loop behind `nm.read(..., tol=)`."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import MemoryState

M = TypeVar("M", bound=MemoryState)


def until_converged(begin: M, step: Any, known: Any, tol: Array, max_steps: Array, done: int) -> M:
    """Step every example until its free features rest; those at rest stay as they are."""
    leaves, structure = jax.tree.flatten(begin)
    roles = begin.leaf_roles()
    moving = [i for i, role in enumerate(roles) if role.batched]

    def full(carry: list[Array]) -> list[Array]:
        new = list(leaves)
        for i, leaf in zip(moving, carry, strict=True):
            new[i] = leaf
        return new

    def change(after: Any) -> Array:
        settled = held(known, after["inputs"], after["outputs"])
        gaps = jax.tree.map(lambda a, b: jnp.abs(a - b), settled, after["inputs"])
        return jnp.stack([g.reshape(g.shape[0], -1).max(1) for g in jax.tree.leaves(gaps)]).max(0)

    def body(carry: Any) -> Any:
        now, resting, converged, used, count = carry
        stepped = step(full(now), {}, count)[0]
        gap = change(jax.tree.unflatten(structure, stepped))
        new = [_where(resting, old, stepped[i]) for i, old in zip(moving, now, strict=True)]
        converged = jnp.where(resting, converged, gap <= tol)
        used = used + (~resting).astype(used.dtype)
        return new, resting | (gap <= tol) | ~jnp.isfinite(gap), converged, used, count + 1

    batch = leaves[moving[0]].shape[0]
    no, used = jnp.zeros(batch, bool), jnp.full(batch, done, jnp.int32)
    start = ([leaves[i] for i in moving], no, no, used, jnp.asarray(done, jnp.int32))
    now, _, converged, used, _ = jax.lax.while_loop(
        lambda carry: jnp.any(~carry[1]) & (carry[4] < max_steps), body, start
    )
    final = jax.tree.unflatten(structure, full(now))
    return final.set({"steps_used": used, "converged": converged})


def _where(resting: Array, old: Array, new: Array) -> Array:
    return jnp.where(resting.reshape(-1, *[1] * (old.ndim - 1)), old, new)


def held(known: Any, cue: Any, free: Any) -> Any:
    """The cue where it is known, else the free value."""
    if known is None:
        return free
    return jax.tree.map(lambda k, c, f: jnp.where(k > 0, c, f), known, cue, free)
