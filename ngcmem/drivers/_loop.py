"""The library's one loop, as fast as a scan written by hand.

Three decisions make it so. Only what the next step reads is carried; the last step stands outside
the scan, so that what nobody reads or records is dead code inside it; and everything else is an
argument, so that other values compile nothing.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.extend as jex
import jax.numpy as jnp
from jax import Array

from ngcmem.core import is_key

Step = Callable[[list[Array], Any, Array], tuple[list[Array], Any]]


def _traced_once(step: Step, leaves: list[Array], first: Any) -> tuple[Step, list[int], Any]:
    """The step as a fixed program, which leaves must be carried, and the shapes it records.

    A leaf is carried when the step reads it as it was at its start and leaves it changed. What is
    rewritten before it is read (wired or clamped inputs, read-outs) and what never changes
    (weights that do not learn) stays outside the loop.
    """
    count = jnp.zeros((), jnp.int32)
    closed, shape = jax.make_jaxpr(step, return_shape=True)(leaves, first, count)
    program = jex.core.jaxpr_as_fun(closed)
    structure = jax.tree.structure(shape)

    def replay(*args: Any) -> Any:
        return jax.tree.unflatten(structure, program(*jax.tree.leaves(args)))

    jaxpr = closed.jaxpr
    begin, end = jaxpr.invars[: len(leaves)], jaxpr.outvars[: len(leaves)]
    read = {id(var) for equation in jaxpr.eqns for var in equation.invars}
    read |= {id(var) for var in jaxpr.outvars[len(leaves) :]}
    read |= {id(out) for i, out in enumerate(end) if out is not begin[i]}
    carried = [i for i, var in enumerate(begin) if id(var) in read and end[i] is not var]
    # Keys and counters first: XLA's CPU runtime splits a step among its threads when many of its
    # operations can start at once, and this order keeps small circuits on one (measured: x 1.6).
    carried.sort(key=lambda i: jnp.issubdtype(leaves[i].dtype, jnp.floating))
    return replay, carried, shape[1]


def put(leaves: list[Array], places: list[int], new: list[Array]) -> list[Array]:
    """The leaves with others in some places."""
    there = dict(zip(places, new, strict=True))
    return [there.get(i, leaf) for i, leaf in enumerate(leaves)]


class _Loop:
    """A traced step, the leaves it starts from, and which of them it carries."""

    def __init__(self, step: Step, leaves: list[Array], driven: Any):
        first = jax.tree.map(lambda values: values[0], driven)
        self.step, self.carried, self.seen = _traced_once(step, leaves, first)
        self.leaves = leaves

    def full(self, carry: list[Array]) -> list[Array]:
        return put(self.leaves, self.carried, carry)

    def one(self, carry: list[Array], x: Any) -> tuple[list[Array], Any]:
        i, arriving = x
        after, seen = self.step(self.full(carry), arriving, i)
        return [after[k] for k in self.carried], seen

    def quiet(self, carry: list[Array], xs: Any) -> list[Array]:
        """Steps of which nothing is recorded."""
        return jax.lax.scan(lambda c, x: (self.one(c, x)[0], None), carry, xs)[0]

    def block(self, carry: list[Array], xs: Any) -> tuple[list[Array], Any]:
        """Steps of which only the last is recorded."""
        return self.one(self.quiet(carry, _cut(xs, slice(None, -1))), _cut(xs, -1))


class Stacked:
    """Records of all steps, stacked along a first axis."""

    def begin(self, seen: Any, count: int) -> Any:
        """Empty records of so many steps, given the shapes of one."""

        def empty(one: Any) -> Array:
            nothing = jax.random.key(0) if is_key(one) else jnp.zeros((), one.dtype)
            return jnp.broadcast_to(nothing, (count, *one.shape))

        return jax.tree.map(empty, seen)

    def added(self, records: Any, seen: Any, place: Any) -> Any:
        """The records with that of one step at its place."""
        write = jax.lax.dynamic_update_index_in_dim
        return jax.tree.map(lambda old, one: write(old, one, place, 0), records, seen)

    def end(self, records: Any, seen: Any, count: int) -> Any:
        """What is returned."""
        return records


STACKED = Stacked()


def _cut(xs: Any, where: Any) -> Any:
    return jax.tree.map(lambda values: values[where], xs)


def repeat(
    step: Step,
    leaves: list[Array],
    driven: Any,
    *,
    steps: int,
    every: int,
    keeping: Stacked = STACKED,
) -> tuple[list[Array], Any]:
    """Apply a step many times.

    Args:
        step: `step(leaves, arriving, i) -> (leaves, seen)`; i is the int32 number of the step.
        leaves: what the first step starts from.
        driven: a pytree of time-major arrays (steps, ...), or an empty one.
        steps: how many, at least 1.
        every: record once every `every` steps.
        keeping: what is kept of what is seen.

    Returns:
        The leaves after the last step, and `seen` stacked, (steps // every, ...), or as `keeping`
        has it.
    """
    loop = _Loop(step, leaves, driven)
    xs = (jnp.arange(steps, dtype=jnp.int32), driven)
    count, rest = divmod(steps, every)
    looped = count - (rest == 0)  # the last step is not among them
    cut = looped * every
    shape = (cut,) if every == 1 else (looped, every)
    recorded = loop.one if every == 1 else loop.block

    def write(carry: tuple[list[Array], Any], x: Any) -> tuple[tuple[list[Array], Any], None]:
        place, inner = x
        state, seen = recorded(carry[0], inner)
        return (state, keeping.added(carry[1], seen, place)), None

    shaped = jax.tree.map(lambda a: a[:cut].reshape(*shape, *a.shape[1:]), xs)
    begin = ([leaves[i] for i in loop.carried], keeping.begin(loop.seen, count))
    places = jnp.arange(looped, dtype=jnp.int32)
    (carry, records), _ = jax.lax.scan(write, begin, (places, shaped))
    if cut < steps - 1:
        carry = loop.quiet(carry, _cut(xs, slice(cut, steps - 1)))
    i, arriving = _cut(xs, steps - 1)
    final, last = loop.step(loop.full(carry), arriving, i)
    if rest == 0:
        records = keeping.added(records, last, jnp.int32(count - 1))
    return final, keeping.end(records, loop.seen, count)
