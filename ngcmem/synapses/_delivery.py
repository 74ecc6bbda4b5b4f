"""Spikes brought to their targets: only the rows of cells that fired are read."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_batching import custom_vmap

from ngcmem.core import fired_places

PER_ROUND = 256
SWEPT = 512


def walk(
    fired: Array, bounds: Any, entries: int, block: int, visit: Any, prepare: Any, carry: Any
) -> Any:
    """`carry = visit(carry, k, prepared, at, exists)` for blocks of the rows of cells that fired.

    Args:
        fired: (n,) not 0 where a cell (of an example) fired.
        bounds: of the places of cells found, (n,), where their rows begin and end.
        entries: of all rows.
        block: entries of a visit.
        visit: gets the number k of the cell among those found, what was prepared for them, the
            position of the block's first entry, and (block,) bool: which of its entries are the
            cell's.
        prepare: of the places of all cells found in a round, (n,), what their visits need.
        carry: where to begin.
    """
    if entries == 0:
        return carry
    size = min(block, entries)
    inside, none = jnp.arange(size, dtype=jnp.int32), jnp.int32(fired.shape[0])

    def round_of(state: Any) -> Any:
        carry, after = state
        found = fired_places(fired, after, PER_ROUND)
        number = jnp.sum(found < none, dtype=jnp.int32)
        there = jnp.minimum(found, none - 1)
        begins, ends = bounds(there)
        prepared = prepare(there)

        def row(k: Array, carry: Any) -> Any:
            def one(j: Array, carry: Any) -> Any:
                first = begins[k] + j * size
                at = jnp.minimum(first, entries - size)  # the last may not reach over the end
                exists = (at + inside >= first) & (at + inside < ends[k])
                return visit(carry, k, prepared, at, exists)

            return lax.fori_loop(0, (ends[k] - begins[k] + size - 1) // size, one, carry)

        carry = lax.fori_loop(0, number, row, carry)
        return carry, jnp.where(number == PER_ROUND, found[-1], none)

    first = jnp.where(jnp.any(fired != 0), jnp.int32(-1), none)
    return lax.while_loop(lambda state: state[1] < none, round_of, (carry, first))[0]


def sweep(fired: Array, bounds: Any, entries: int, add: Any, prepare: Any, carry: Any) -> Any:
    """As `walk`, for accelerators: the rows of all cells of a round at once.

    `add` gets what was prepared, the positions (cells, entries) and which of them exist.
    """
    if entries == 0:
        return carry
    inside, none = jnp.arange(SWEPT, dtype=jnp.int32), jnp.int32(fired.shape[0])

    def round_of(state: Any) -> Any:
        carry, after = state
        found = fired_places(fired, after, PER_ROUND)
        there = jnp.minimum(found, none - 1)
        begins, ends = bounds(there)
        ends = jnp.where(found < none, ends, begins)
        prepared = prepare(there)

        def one(j: Array, carry: Any) -> Any:
            places = begins[:, None] + (j * SWEPT + inside)[None]
            exists = places < ends[:, None]
            return add(carry, prepared, jnp.where(exists, places, 0), exists)

        blocks = (jnp.max(ends - begins) + SWEPT - 1) // SWEPT
        return lax.fori_loop(0, blocks, one, carry), found[-1]

    first = jnp.where(jnp.any(fired != 0), jnp.int32(-1), none)
    return lax.while_loop(lambda state: state[1] < none, round_of, (carry, first))[0]


def rows_of(starts: Array) -> Any:
    """The bounds of the rows of cells, whatever example they are of."""
    cells = starts.shape[0] - 1
    return lambda places: (starts[places % cells], starts[places % cells + 1])


def block_of(values: Array, at: Array, size: int) -> Array:
    """So many entries of a list, or its one value for all."""
    if values.ndim == 0:
        return jnp.broadcast_to(values, (size,))
    return lax.dynamic_slice(values, (at,), (size,))


@custom_vmap
def _delivered(
    buffer: Array,
    spikes: Array,
    position: Array,
    weights: Array,
    starts: Array,
    targets: Array,
    lags: Array,
    block: Array,
) -> Array:
    """Spikes (examples, inputs) added into ring buffers (examples, slots, outputs).

    `lags`: () int32, or (connections,) delays in steps as floats of ms over dt are; `block` is an
    array whose length is the block's.
    """
    (_, slots, outputs), inputs = buffer.shape, spikes.shape[1]
    size, fired = min(block.shape[0], targets.shape[0]), spikes.ravel()
    beyond = jnp.int32(buffer.size)

    def prepare(places: Array) -> tuple[Array, Array, Array]:
        example = places // inputs
        slot = position[example] if lags.ndim else (position[example] + lags) % slots
        return example * slots, slot, fired[places]

    def visit(flat: Array, k: Array, prepared: Any, at: Array, exists: Array) -> Array:
        rings, slot, strength = (one[k] for one in prepared)
        if lags.ndim:
            slot = (slot + lax.dynamic_slice(lags, (at,), (size,))) % slots
        index = (rings + slot) * outputs + lax.dynamic_slice(targets, (at,), (size,))
        arriving = strength * block_of(weights, at, size)
        return flat.at[jnp.where(exists, index, beyond)].add(arriving, mode="drop")

    def add(flat: Array, prepared: Any, places: Array, exists: Array) -> Array:
        rings, slot, strength = (one[:, None] for one in prepared)
        if lags.ndim:
            slot = (slot + lags[places]) % slots
        index = (rings + slot) * outputs + targets[places]
        arriving = strength * (weights[places] if weights.ndim else weights)
        return flat.at[jnp.where(exists, index, beyond)].add(arriving, mode="drop")

    entries, ring, rows = targets.shape[0], buffer.ravel(), rows_of(starts)
    found = lax.platform_dependent(
        ring,
        cpu=lambda ring: walk(fired, rows, entries, size, visit, prepare, ring),
        default=lambda ring: sweep(fired, rows, entries, add, prepare, ring),
    )
    return found.reshape(buffer.shape)


@_delivered.def_vmap
def _delivered_to_more(size: int, batched: Any, *arguments: Array) -> Any:
    """More examples in one walk; one after the other where the connections differ too."""
    if any(batched[3:]):
        given = [
            a if b else jnp.broadcast_to(a, (size, *a.shape))
            for a, b in zip(arguments, batched, strict=True)
        ]
        return lax.map(lambda one: _delivered(*one), tuple(given)), True
    first = [
        a if b else jnp.broadcast_to(a, (size, *a.shape))
        for a, b in zip(arguments[:3], batched[:3], strict=True)
    ]
    merged = [a.reshape(-1, *a.shape[2:]) for a in first]
    return _delivered(*merged, *arguments[3:]).reshape(first[0].shape), True


@jax.custom_jvp
def deliver(
    buffer: Array,
    spikes: Array,
    position: Array,
    weights: Array,
    starts: Array,
    targets: Array,
    lags: Array,
    block: Array,
) -> Array:
    """The ring buffer (slots, outputs) of one example with what its spikes (inputs,) bring.

    Each connection adds its weight times the spikes of its source to its target, in the slot `lags`
    (one, or one per connection, in steps) behind `position`. The time grows with the spikes and
    their rows; the derivative reads all connections.
    """
    one = _delivered(
        buffer[None], spikes[None], position[None], weights, starts, targets, lags, block
    )
    return one[0]


@deliver.defjvp
def _deliver_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    buffer, spikes, position, weights, *lists = primals
    tangents = (tangents[0], tangents[1], tangents[3])

    def whole(buffer: Array, spikes: Array, weights: Array) -> Array:
        return deliver_all(buffer, spikes, position, weights, *lists)

    return deliver(*primals), jax.jvp(whole, (buffer, spikes, weights), tangents)[1]


def deliver_all(
    buffer: Array,
    spikes: Array,
    position: Array,
    weights: Array,
    starts: Array,
    targets: Array,
    lags: Array,
    block: Array,
) -> Array:
    """As `deliver`, reading every connection (`block` is not needed)."""
    cells = jnp.arange(spikes.shape[0], dtype=jnp.int32)
    sources = jnp.repeat(cells, jnp.diff(starts), total_repeat_length=targets.shape[0])
    slot = (position + lags) % buffer.shape[0]
    return buffer.at[slot, targets].add(weights * spikes[sources])
