"""The verbs of memories: `store`, `read` and `recall`."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core import Memory, MemoryState, check_state, same_kind
from ngcmem.drivers._dispatch import Program
from ngcmem.drivers._loop import repeat
from ngcmem.drivers._memory_checks import check_finite, check_inputs, check_patterns, check_steps
from ngcmem.drivers._rows import as_rows
from ngcmem.drivers._settling import held, until_converged
from ngcmem.drivers.batching import advance_batch, init_batch
from ngcmem.drivers.rebatching import first_key, with_examples_of
from ngcmem.drivers.verbs import as_scalar, checked, typed_key

M = TypeVar("M", bound=MemoryState)


def store(
    memory: Memory[M], state: M, inputs: Any, targets: Any = None, *, key: Array | None = None
) -> M:
    """Add patterns to what a memory holds, in order, as by so many sequential writes.

    Args:
        memory: a memory.
        state: its state, of any batch.
        inputs: patterns as rows, (patterns, features); a dict of them for named fields.
        targets: what to recall for each, rows; None stores the patterns themselves.
        key: for storage that draws random numbers.

    Raises:
        ValueError: rows of another width, a single pattern without its first axis, NaN or
            infinite values, or more patterns than the memory's rule can hold.
    """
    rows = as_rows(memory, state, inputs, "inputs", "store")
    if targets is not None:
        targets = as_rows(memory, state, targets, "outputs", "store", like=rows)
    for name, value in (("inputs", rows), ("targets", targets)):
        check_finite(memory, name, value)
        check_patterns(memory, f"store: {name}", value)
    return _store(checked(memory), state, rows, targets, None if key is None else typed_key(key))[0]


@Program
def _store(
    memory: Memory[M], state: M, inputs: Any, targets: Any, key: Array | None
) -> tuple[M, None]:
    check_state(memory, state)
    new = memory.store(state, inputs, targets, key)
    same_kind(memory, "store", state, new)
    return new, None


def read(
    memory: Memory[M],
    state: M,
    inputs: Any,
    *,
    steps: int | None = None,
    tol: ArrayLike | None = None,
    max_steps: int = 100,
    known: Any = None,
    key: Array | None = None,
    **other_inputs: Any,
) -> M:
    """The state after recall from a batch of probes.

    Args:
        memory: a memory.
        state: its state, of any batch; its weights, usage and keys stay as they are.
        inputs: probes, (batch, features).
        steps: how often the outputs become the next inputs, plus one; 1 by default.
        tol: recall instead until no feature of an example changes by more than this...
        max_steps: ... or this many steps.
        known: 1 (or True) where a feature of the probe is known, (batch, features). The first
            step compares known features only; the known ones are then held while the rest settles.
        key: for recall that draws random numbers; without it every call draws the same.
        other_inputs: values of other Inputs of the memory by name.

    Returns:
        The state for this batch, with `steps_used`, `converged` and `matched` per example. An
        example whose values stop being finite ends with `converged` False.

    Raises:
        ValueError: shapes that do not fit, several steps with a memory whose outputs are no
            inputs, or `tol` where convergence cannot be promised.
    """
    options: dict[str, Any] = dict(steps=steps, tol=tol, max_steps=max_steps, known=known, key=key)
    return _run("read", memory, state, inputs, **options, **other_inputs)[0]


def recall(memory: Memory[M], state: M, inputs: Any, **options: Any) -> Any:
    """What a memory answers to a batch of probes: `nm.read(...).outputs`, same arguments.

    Only the outputs are computed: a large memory is read by chunks of slots, where `read` also
    returns compartments with one number for every example and slot.
    """
    return _run("recall", memory, state, inputs, **options)[1]


def _run(
    verb: str,
    memory: Memory[M],
    state: M,
    inputs: Any,
    *,
    steps: int | None = None,
    tol: ArrayLike | None = None,
    max_steps: int = 100,
    known: Any = None,
    key: Array | None = None,
    **other_inputs: Any,
) -> tuple[M, Any]:
    """Check the arguments of `read` or `recall` and call its program with them."""
    probes = as_rows(memory, state, inputs, "inputs", verb)
    check_patterns(memory, f"{verb}: inputs", probes)
    batch = jax.tree.leaves(probes)[0].shape[0]
    given = {"inputs": probes}
    if known is not None:
        other_inputs["known"] = known
    check_inputs(memory, state, other_inputs, verb)
    for name, value in other_inputs.items():
        given[name] = as_rows(memory, state, value, name, verb, like=probes)
    check_steps(memory, steps, tol, verb)
    for name in memory.fast:
        for kept in jax.tree.leaves(state[name]):
            if kept.shape[0] != batch:
                raise ValueError(
                    f"{verb}: {type(memory).__name__} remembers per example ({name}), so the "
                    f"probes come in the state's batch, {kept.shape[0]}, got {batch}."
                )
    return (_read if verb == "read" else _outputs)(
        checked(memory),
        state,
        given,
        None if key is None else typed_key(key),
        None if tol is None else as_scalar(tol),
        None if tol is None else np.asarray(max_steps, np.int32),
        steps=1 if steps is None else int(steps),
        batch=batch,
    )


def _recalled(
    memory: Memory[M],
    state: M,
    given: dict[str, Any],
    key: Array | None,
    tol: Array | None,
    max_steps: Array | None,
    *,
    steps: int,
    batch: int,
) -> tuple[M, None]:
    check_state(memory, state)
    start = _fresh(memory, state, first_key(state) if key is None else key, batch).set(given)
    zero = jnp.zeros((), jnp.result_type(float))
    one = jnp.ones((), jnp.result_type(float))
    used = jnp.ones(batch, jnp.int32)
    if steps == 1 and tol is None:
        return advance_batch(memory, start, zero, one).set({"steps_used": used}), None

    cue, known = given["inputs"], given.get("known")
    if known is None:
        begin, done = start.set({"outputs": cue}), 0
    else:
        begin, done = advance_batch(memory, start, zero, one), 1

    def step(leaves: list[Array], arriving: Any, i: Array) -> tuple[list[Array], None]:
        before = jax.tree.unflatten(structure, leaves)
        probe = {"inputs": held(known, cue, before["outputs"])}
        if known is not None:
            probe["known"] = jax.tree.map(jnp.ones_like, before["known"])
        return jax.tree.leaves(advance_batch(memory, before.set(probe), zero, one)), None

    leaves, structure = jax.tree.flatten(begin)
    if tol is None:
        if steps > done:
            leaves = repeat(step, leaves, {}, steps=steps - done, every=1)[0]
        return jax.tree.unflatten(structure, leaves).set({"steps_used": used * steps}), None
    assert max_steps is not None
    return until_converged(begin, step, known, tol, max_steps, done), None


def _only_outputs(memory: Memory[M], state: M, *arguments: Any, **options: Any) -> tuple[M, Any]:
    return state, _recalled(memory, state, *arguments, **options)[0].outputs  # pyright: ignore


_read = Program(_recalled, options=("steps", "batch"))
_outputs = Program(_only_outputs, options=("steps", "batch"))


def _fresh(memory: Memory[M], state: M, key: Array, batch: int) -> M:
    """Per-example compartments from `init` for this batch; all that is remembered as it is."""
    kept = {name: state[name] for name in memory.fast}
    return with_examples_of(state, init_batch(memory, key, batch)).set(kept)
