"""What event-driven synapses have in common: a ring of what is on its way."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from ngcmem.core import SLACK, Component, whole_steps
from ngcmem.synapses._initial import initial


def take_ring(owner: Any) -> None:
    """Check connections and delays of a synapse, and fill in `max_steps`.

    Raises:
        TypeError, ValueError: as `EventSynapse` says.
    """
    name, given = type(owner).__name__, owner.connections
    if isinstance(given, Component) or not hasattr(given, "targets"):
        raise TypeError(
            f"{name}: connections come from nm.connectivity, such as "
            f"nm.connectivity.fixed_in_degree(1000, 500, 80, seed=0), got {given!r}."
        )
    own = given.delays is not None
    if own and isinstance(owner.delay, (int, float)) and owner.delay != 0.0:
        raise ValueError(
            f"{name}: the connections have delays of their own; leave delay={owner.delay} out."
        )
    if owner.max_steps is not None:
        return
    longest = given.longest if own else owner.delay
    if isinstance(longest, Tracer) or not isinstance(longest, (int, float, np.ndarray, jax.Array)):
        if isinstance(longest, Tracer):
            raise ValueError(f"{name}: a traced delay needs max_steps, the size of its ring.")
        return  # a placeholder of a transformation
    most = math.ceil(float(longest) / 0.1 - SLACK)
    object.__setattr__(owner, "max_steps", most)


def shortest_dt(owner: Any) -> float:
    """The shortest step that the ring of a synapse can hold its delays in."""
    own = owner.connections.delays is not None
    longest = owner.connections.longest if own else owner.delay
    if isinstance(longest, (Tracer, jax.ShapeDtypeStruct)) or not float(longest) > 0:
        return 0.0
    return float(longest) / (owner.max_steps + 0.5 - SLACK)


def fresh(owner: Any, key: Array) -> dict[str, Array]:
    """The compartments of `EventSynapseState`."""
    connections, nothing = owner.connections, jnp.zeros((), jnp.int32)
    shape = () if owner.one_weight else (len(connections),)
    return dict(
        inputs=jnp.zeros(connections.inputs),
        outputs=jnp.zeros(connections.outputs),
        weights=initial(owner, "weight_init", key, shape),
        buffer=jnp.zeros((owner.max_steps + 1, connections.outputs)),
        position=nothing,
        step_length=jnp.zeros(()),
        stale=nothing,
    )


def transmitted(
    owner: Any, state: Any, dt: Array, deliver: Callable[..., Array]
) -> dict[str, Array]:
    """The compartments that a step of transmission changes; `deliver` adds into the ring."""
    connections, slots = owner.connections, owner.max_steps + 1
    own = connections.delays is not None
    lags = whole_steps(connections.delays if own else owner.delay, dt)
    longest = whole_steps(connections.longest, dt) if own else lags
    length = dt.astype(state.step_length.dtype)
    changed = (length != state.step_length) & (state.step_length > 0)
    stale = jnp.where(changed, owner.max_steps, jnp.maximum(state.stale - 1, 0))
    # What arrived last is cleared first: read after all else, the ring is changed in place.
    cleared = state.buffer.at[state.position].set(0.0)
    position = (state.position + 1) % slots
    buffer = deliver(
        cleared,
        state.inputs,
        position,
        state.weights,
        connections.starts,
        connections.targets,
        lags,
        jnp.zeros(connections.block, jnp.int8),
    )
    right = (longest <= owner.max_steps) & (stale == 0)
    arrived = owner.scale * buffer[position]
    return dict(
        outputs=jnp.where(right, arrived, jnp.nan),
        buffer=buffer,
        position=position,
        step_length=length,
        stale=stale,
    )
