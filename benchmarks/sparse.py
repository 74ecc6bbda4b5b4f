"""Sparse synapses: index lists against `jax.experimental.sparse` and the dense product.

Square synapses of several sizes and shares of connections, the product (forward) and its gradient
with respect to the weights. `lists` is `nm.Sparse` as a component runs it; `bcoo` is a BCOO matrix
(outputs, inputs) with sorted, unique indices, `bcoo_vmap` the same called for one example and
vmapped, as a component would have to. Interleaved in one process, CPU time over dense.
"""

from typing import Any

import jax
import jax.numpy as jnp
from _script import arguments, finish, interleaved, progress
from jax import Array
from jax.experimental import sparse

import ngcmem as nm
from ngcmem.drivers import advance_batch

CASES = (  # batch, size, connections per output
    (1, 1000, 20), (32, 1000, 10), (32, 1000, 20), (32, 1000, 50), (32, 1000, 100),
    (32, 200, 10), (8, 4000, 40),
)  # fmt: skip


def products(batch: int, size: int, connections: int, seed: int) -> tuple[Any, list[Array]]:
    """`{name: (function(weights, places, x), weights, places)}`, and batches of inputs."""
    lists = nm.Sparse(inputs=size, outputs=size, connections=connections)
    state = nm.init(lists, jax.random.key(seed), batch=batch)
    rows = jnp.repeat(jnp.arange(size, dtype=jnp.int32), connections)
    places = jnp.stack([rows, state.sources.ravel()], axis=1)
    full = jnp.zeros((size, size)).at[state.sources, jnp.arange(size)[:, None]].set(state.weights)
    now = jnp.float32(0.0)

    def by_lists(weights: Array, sources: Array, x: Array) -> Array:
        given = state.replace(weights=weights, sources=sources, inputs=x)
        return advance_batch(lists, given, now, now + 1.0).outputs

    def matrix(weights: Array, places: Array) -> Any:
        known = dict(shape=(size, size), indices_sorted=True, unique_indices=True)
        return sparse.BCOO((weights.ravel(), places), **known)

    def by_bcoo(weights: Array, places: Array, x: Array) -> Array:
        return (matrix(weights, places) @ x.T).T

    def by_bcoo_vmapped(weights: Array, places: Array, x: Array) -> Array:
        return jax.vmap(lambda one: matrix(weights, places) @ one)(x)

    inputs = [jax.random.uniform(jax.random.key(seed + i), (batch, size)) for i in range(4)]
    return {
        "lists": (by_lists, state.weights, state.sources),
        "bcoo": (by_bcoo, state.weights, places),
        "bcoo_vmap": (by_bcoo_vmapped, state.weights, places),
        "dense": (lambda weights, places, x: x @ weights, full, ()),
    }, inputs


def timed(candidates: Any, inputs: list[Array], gradient: bool, repeats: int) -> dict[str, float]:
    """CPU time of each over that of the dense product."""

    def repeated(function: Any, weights: Array, places: Any) -> Any:
        wanted = function
        if gradient:
            wanted = jax.grad(lambda w, s, x: jnp.sum(function(w, s, x) ** 2))
        wanted = jax.jit(wanted)
        return lambda: [wanted(weights, places, x) for x in inputs * 3]

    times = interleaved({name: repeated(*one) for name, one in candidates.items()}, repeats)
    return {name: one["cpu"] / times["dense"]["cpu"] for name, one in times.items()}


def main() -> None:
    given = arguments("sparse", __doc__.splitlines()[0])
    cases, repeats = (CASES[:1], 2) if given.quick else (CASES, 7)
    found: dict[str, Any] = {}
    for batch, size, connections in progress(cases, "sizes", total=len(cases)):
        candidates, inputs = products(batch, size, connections, given.seed)
        for kind, gradient in (("forward", False), ("gradient", True)):
            ratios = timed(candidates, inputs, gradient, repeats)
            label = f"b{batch}_{size}_{connections}_{kind}"
            found |= {f"{label}_{name}": one for name, one in ratios.items() if name != "dense"}
    finish(found, given.out)


if __name__ == "__main__":
    main()
