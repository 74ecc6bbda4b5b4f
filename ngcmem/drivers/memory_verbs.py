"""The verbs of memories: `store`, `clear`, `read` and `recall`."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from ngcmem.core import (
    Memory,
    MemoryState,
    Role,
    check_whole,
    first_key,
    same_kind,
)
from ngcmem.drivers._loop import put, repeat
from ngcmem.drivers._rows import as_rows, check_patterns, check_probe
from ngcmem.drivers.arguments import as_scalar, checked, typed_key
from ngcmem.drivers.program import Program
from ngcmem.drivers.rebatching import batch_of, with_dtypes_of, with_examples_of
from ngcmem.drivers.verbs import advance_batch, init_batch

M = TypeVar("M", bound=MemoryState)


def store(
    memory: Memory[M],
    state: M,
    inputs: Any,
    targets: Any = None,
    *,
    gate: ArrayLike | None = None,
    key: Array | None = None,
) -> M:
    """Add patterns to what a memory holds, in order, as by so many sequential writes.

    Args:
        memory: a memory.
        state: its state, of any batch.
        inputs: patterns as rows, (patterns, features); a dict of them for named fields.
        targets: what to recall for each, rows; None stores the patterns themselves.
        gate: (patterns,), which of them to store, True or above 1/2; all if None. With the others
            it is as if they had not been given. Not traced: how many are stored decides shapes.
        key: for storage that draws random numbers.

    Raises:
        ValueError: rows of another width, a single pattern without its first axis, NaN or
            infinite values, or more patterns than the memory's rule can hold.
    """
    rows = as_rows(memory, state, inputs, "inputs", "store")
    if targets is not None:
        targets = as_rows(memory, state, targets, "outputs", "store", like=rows)
    if gate is not None:
        chosen = _chosen(gate, jax.tree.leaves(rows)[0].shape[0])
        if not chosen.any():
            return state
        rows, targets = jax.tree.map(lambda x: x[chosen], (rows, targets))
    for name, value in (("inputs", rows), ("targets", targets)):
        for leaf in jax.tree.leaves(value):
            if not isinstance(leaf, Tracer) and not bool(np.isfinite(leaf).all()):
                raise ValueError(
                    f"store: {name} holds NaN or infinite values, and {type(memory).__name__} "
                    f"would keep them. Look at np.argwhere(~np.isfinite({name}))."
                )
        check_patterns(memory, f"store: {name}", value)
    return _store(checked(memory), state, rows, targets, None if key is None else typed_key(key))[0]


def _chosen(gate: Any, rows: int) -> np.ndarray:
    """Which rows a gate lets through, (rows,) bool."""
    if isinstance(gate, Tracer):
        raise ValueError(
            "store: gate is traced, but how many patterns are stored decides shapes. In a compiled "
            "function use nm.evolve with the memory's own input for it (Episodic: gate, Hopfield: "
            "learn), or choose before compiling."
        )
    gate = np.asarray(gate)
    if gate.shape != (rows,) or gate.dtype.kind not in "bfiu" or np.isnan(gate.astype(float)).any():
        raise ValueError(
            f"store: gate has one number or truth value for every pattern, shape ({rows},), got "
            f"{gate.shape} of {gate.dtype}, without NaN."
        )
    return gate > 0.5 if gate.dtype != bool else gate


@Program
def _store(
    memory: Memory[M], state: M, inputs: Any, targets: Any, key: Array | None
) -> tuple[M, None]:
    new = memory.store(state, inputs, targets, key)
    same_kind(f"{type(memory).__name__}.store", state, new)
    return new, None


def clear(memory: Memory[M], state: M, *, key: Array | None = None) -> M:
    """The state of a memory in which nothing was ever stored or learned.

    Weights, stored rows, counts and the optimiser's state are as after `nm.init`, and so is what a
    memory keeps per example (fast weights); `nm.Episodic` has no entries, those of `initial_keys`
    neither. Inputs, outputs and random keys stay. (`nm.reset` is the opposite: it begins the
    dynamics anew and keeps what was learned.)

    Args:
        memory: a memory.
        state: its state, of any batch.
        key: for weights that begin at random; by default one drawn from the state's own keys.

    Raises:
        TypeError: no memory.
        ValueError: a state of another component.
    """
    if not isinstance(memory, Memory):
        raise TypeError(
            f"nm.clear takes (memory, state), got {type(memory).__name__}. In a circuit: "
            f"state.set({{'memory': nm.clear(circuit['memory'], state['memory'])}})."
        )
    return _clear(memory, state, None if key is None else typed_key(key))[0]


@Program
def _clear(memory: Memory[M], state: M, key: Array | None) -> tuple[M, None]:
    batch = batch_of(state)
    fresh = init_batch(memory, first_key(state) if key is None else key, batch)
    return memory.cleared(state, with_dtypes_of(state, fresh)), None


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
        example whose values stop being finite ends with `converged` and `matched` False; one whose
        probe was not finite (where known) gets outputs of NaN.

    Raises:
        ValueError: shapes that do not fit, several steps with a memory whose outputs are no
            inputs, `tol` where convergence cannot be promised, or probes from the host (NumPy,
            lists) that are not finite where known. Arrays on a device are not read back for that.
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
    given = {"inputs": as_rows(memory, state, inputs, "inputs", verb)}
    batch = jax.tree.leaves(given["inputs"])[0].shape[0]
    if known is not None:
        other_inputs["known"] = known
    names = [name for name, spec in state.specs().items() if spec.role is Role.INPUT]
    for name, value in other_inputs.items():
        if name not in names:
            cue = " For a partial cue write known=..." if "known" in names else ""
            raise ValueError(
                f"{verb}: {name!r} is no input of {type(memory).__name__}, whose inputs are "
                f"{', '.join(names)}.{cue}"
            )
        given[name] = as_rows(memory, state, value, name, verb, like=given["inputs"])
        check_probe(name, value, verb=verb)
    check_probe("inputs", inputs, known, verb=verb)
    check_patterns(memory, f"{verb}: inputs", given["inputs"])
    steps = None if steps is None else check_whole(f"{verb}: steps", steps)
    if steps is not None and tol is not None:
        raise ValueError(f"{verb}: give steps= or tol=, not both (max_steps= limits tol=).")
    if (tol is not None or (steps or 1) > 1) and not memory.autoassociative:
        raise ValueError(
            f"{verb}: {type(memory).__name__} recalls something other than its inputs, so it takes "
            f"one step: leave out steps= and tol=."
        )
    if tol is not None and (reason := memory.no_convergence()):
        raise ValueError(
            f"{verb}: tol= needs a recall that converges. {reason} Use steps= instead."
        )
    for name in memory.fast:
        for kept in jax.tree.leaves(state[name]):
            if kept.shape[0] != batch:
                raise ValueError(
                    f"{verb}: {type(memory).__name__} remembers per example ({name}), so the "
                    f"probes come in the state's batch, {kept.shape[0]}, got {batch}."
                )
    key = None if key is None else typed_key(key)
    until = None if tol is None else (as_scalar(tol), np.asarray(max_steps, np.int32))
    program = _read if verb == "read" else _outputs
    return program(checked(memory), state, given, key, until, steps=steps or 1, batch=batch)


def _recalled(
    memory: Memory[M], state: M, given: Any, key: Any, until: Any, *, steps: int, batch: int
) -> tuple[M, None]:
    fresh = init_batch(memory, first_key(state) if key is None else key, batch)
    kept = {name: state[name] for name in memory.fast}
    start = with_examples_of(state, fresh).set(kept | given)
    zero = jnp.zeros((), jnp.result_type(float))
    one = jnp.ones((), jnp.result_type(float))
    used = jnp.ones(batch, jnp.int32)
    if steps == 1 and until is None:
        return advance_batch(memory, start, zero, one).set({"steps_used": used}), None

    cue, known = given["inputs"], given.get("known")
    if known is None:
        begin, done = start.set({"outputs": cue}), 0
    else:
        begin, done = advance_batch(memory, start, zero, one), 1

    def step(leaves: list[Array], arriving: Any, i: Array) -> tuple[list[Array], None]:
        before = jax.tree.unflatten(structure, leaves)
        probe = {"inputs": _held(known, cue, before["outputs"])}
        if known is not None:
            probe["known"] = jax.tree.map(jnp.ones_like, before["known"])
        return jax.tree.leaves(advance_batch(memory, before.set(probe), zero, one)), None

    leaves, structure = jax.tree.flatten(begin)
    if until is None:
        if steps > done:
            leaves = repeat(step, leaves, {}, steps=steps - done, every=1)[0]
        return jax.tree.unflatten(structure, leaves).set({"steps_used": used * steps}), None
    return _until_converged(begin, step, known, done, *until), None


def _only_outputs(memory: Memory[M], state: M, *arguments: Any, **options: Any) -> tuple[M, Any]:
    return state, _recalled(memory, state, *arguments, **options)[0].outputs  # pyright: ignore


_read = Program(_recalled, options=("steps", "batch"))
_outputs = Program(_only_outputs, options=("steps", "batch"))


def _until_converged(begin: M, step: Any, known: Any, done: int, tol: Array, most: Array) -> M:
    """Step every example until its free features rest; those at rest stay as they are."""
    leaves, structure = jax.tree.flatten(begin)
    moving = [i for i, role in enumerate(begin.leaf_roles()) if role.batched]

    def change(after: Any) -> Array:
        settled = _held(known, after["inputs"], after["outputs"])
        gaps = jax.tree.map(lambda a, b: jnp.abs(a - b), settled, after["inputs"])
        return jnp.stack([g.reshape(g.shape[0], -1).max(1) for g in jax.tree.leaves(gaps)]).max(0)

    def body(carry: Any) -> Any:
        now, resting, converged, used, count = carry
        stepped = step(put(leaves, moving, now), {}, count)[0]
        gap = change(jax.tree.unflatten(structure, stepped))
        new = [
            jnp.where(resting.reshape(-1, *[1] * (old.ndim - 1)), old, stepped[i])
            for i, old in zip(moving, now, strict=True)
        ]
        converged = jnp.where(resting, converged, gap <= tol)
        rests = resting | (gap <= tol) | ~jnp.isfinite(gap)
        return new, rests, converged, used + (~resting).astype(jnp.int32), count + 1

    batch = leaves[moving[0]].shape[0]
    no, used = jnp.zeros(batch, bool), jnp.full(batch, done, jnp.int32)
    start = ([leaves[i] for i in moving], no, no, used, jnp.asarray(done, jnp.int32))
    now, _, converged, used, _ = jax.lax.while_loop(
        lambda carry: jnp.any(~carry[1]) & (carry[4] < most), body, start
    )
    final = jax.tree.unflatten(structure, put(leaves, moving, now))
    return final.set({"steps_used": used, "converged": converged})


def _held(known: Any, cue: Any, free: Any) -> Any:
    """The cue where it is known, else the free value."""
    if known is None:
        return free
    return jax.tree.map(lambda k, c, f: jnp.where(k > 0, c, f), known, cue, free)
