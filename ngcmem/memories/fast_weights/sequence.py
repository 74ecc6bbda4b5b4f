"""`regress_sequence`: a sequence of pairs and queries through a fast-weight memory."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core import check_whole
from ngcmem.drivers import canonical, check_driven, checked, run
from ngcmem.memories.fast_weights._chunks import Chunk
from ngcmem.memories.fast_weights._unwritten import without_unwritten
from ngcmem.memories.fast_weights.fast_weights import FastWeights, FastWeightsState
from ngcmem.memories.fast_weights.regressors import LinearRegressor


def regress_sequence(
    memory: FastWeights,
    state: FastWeightsState,
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    write_gate: ArrayLike | None = None,
    learning_rate: ArrayLike | None = None,
    decay: ArrayLike | None = None,
    chunk: int | None = None,
) -> tuple[FastWeightsState, Array]:
    """Write and read a sequence; the state returned carries on where it ends.

    Args:
        memory: the memory.
        state: its state, of the sequences' batch.
        queries: (steps, batch, features), time-major as in `nm.run`.
        keys: (steps, batch, features).
        values: (steps, batch, values).
        write_gate: (steps, batch); the state's value throughout by default.
        learning_rate: likewise.
        decay: likewise.
        chunk: how many steps to take in parallel (linear memories only; least squares takes at
            most 8, beyond which float32 loses digits); None steps one by one. Both give the same
            outputs to rounding.

    Returns:
        The state after the last step and the outputs (steps, batch, values).

    Raises:
        TypeError: another memory, or a state that is not its own.
        ValueError: shapes that do not fit, or a chunk where there is no chunk-parallel form.
    """
    if not isinstance(memory, FastWeights) or not isinstance(state, FastWeightsState):
        raise TypeError(
            f"regress_sequence takes (memory, state, queries, keys, values) of a FastWeights, got "
            f"{type(memory).__name__} and {type(state).__name__}."
        )
    given = {"inputs": queries, "keys": keys, "values": values}
    gates = {"write_gate": write_gate, "learning_rate": learning_rate, "decay": decay}
    given |= {name: value for name, value in gates.items() if value is not None}
    steps = np.shape(queries)[0] if np.ndim(queries) == 3 else 0
    if steps == 0:
        raise ValueError(
            f"regress_sequence: queries has shape {np.shape(queries)}, expected "
            f"(steps, batch, {memory.features})."
        )
    batch = state.inputs.shape[0]
    for name in ("inputs", "keys", "values"):
        shape = np.shape(given[name])
        if len(shape) == 3 and shape[0] == batch != shape[1]:
            name = "queries" if name == "inputs" else name
            raise ValueError(
                f"regress_sequence: {name} has shape {shape}, expected (steps, batch={batch}, "
                f"{shape[2]}): time first. For (batch, steps, {shape[2]}) write "
                f"{name}.transpose(1, 0, 2)."
            )
    given = check_driven(state, given, {}, "inputs", steps, "regress_sequence")
    if chunk is not None:
        _check_chunk(memory, chunk)
    if chunk is None or steps == 1:
        state, seen = run(memory, state, steps=steps, inputs=given, record="outputs")
        return state, seen["outputs"]
    # The last step is taken by the component itself, which leaves a complete state behind.
    early = {name: value[:-1] for name, value in given.items()}
    last = {name: value[-1:] for name, value in given.items()}
    size = int(min(chunk, memory.update.longest_chunk, steps - 1))
    state, outputs = _in_chunks(canonical(checked(memory)), state, early, chunk=size)
    state, seen = run(memory, state, steps=1, inputs=last, record="outputs")
    return state, jnp.concatenate([outputs, seen["outputs"]])


def _check_chunk(memory: FastWeights, chunk: int) -> None:
    check_whole("regress_sequence: chunk", chunk)
    if not isinstance(memory.regressor, LinearRegressor):
        raise ValueError(
            f"regress_sequence: only linear memories have a chunk-parallel form, this one has "
            f"regressor={memory.regressor!r}. Leave out chunk=."
        )
    if memory.update.longest_chunk < 1:
        raise ValueError(
            f"regress_sequence: {type(memory.update).__name__} defines no chunk-parallel form. "
            f"Leave out chunk=."
        )


@partial(jax.jit, static_argnames="chunk")
def _in_chunks(
    memory: FastWeights, state: FastWeightsState, given: dict[str, Array], *, chunk: int
) -> tuple[FastWeightsState, Array]:
    steps_and_batch = given["inputs"].shape[:2]
    gate, rate, decay = (
        given[name] if name in given else jnp.broadcast_to(state[name], steps_and_batch)
        for name in ("write_gate", "learning_rate", "decay")
    )
    s, r = memory.strength_and_retention(gate, rate, decay)
    keys, values = without_unwritten(s, given["keys"], given["values"])
    some = jnp.any(keys != 0, axis=-1)
    s, r = jnp.where(some, s, 0.0), jnp.where(some, r, 1.0)
    xs = (given["inputs"], keys, values, s, r, some)

    def one(weights: Array, carry: Any, x: Any) -> tuple[Any, Array]:
        fast, own = carry
        chunk = Chunk(*x, before=memory.read_before_write)
        fast, own, outputs = memory.update.chunk(weights, fast, own, chunk)
        return (fast, own), outputs

    step = jax.vmap(one, in_axes=(None, 0, 1), out_axes=(0, 1))
    steps = steps_and_batch[0]
    cut = steps // chunk * chunk

    def body(carry: Any, x: Any) -> tuple[Any, Array]:
        return step(state.weights, carry, x)

    blocks = jax.tree.map(lambda a: a[:cut].reshape(-1, chunk, *a.shape[1:]), xs)
    carry, outputs = jax.lax.scan(body, (state.memory_weights, state.update_state), blocks)
    outputs = outputs.reshape(cut, *outputs.shape[2:])
    if cut < steps:
        carry, rest = body(carry, jax.tree.map(lambda a: a[cut:], xs))
        outputs = jnp.concatenate([outputs, rest])
    return state.replace(memory_weights=carry[0], update_state=carry[1]), outputs
