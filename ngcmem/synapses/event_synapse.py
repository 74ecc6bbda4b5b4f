"""A synapse that works only where cells fire."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from ngcmem.connectivity import Connections
from ngcmem.core import (
    SLACK,
    Component,
    Input,
    NonNegative,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    uniform_weights,
    whole_steps,
)
from ngcmem.synapses._delivery import deliver
from ngcmem.synapses._initial import Initializer, initial


class EventSynapseState(State):
    inputs: Input[Array, "inputs"]  # presynaptic spikes of this step
    outputs: PerExample[Array, "outputs"]  # what arrives in this step
    weights: Shared[Array, "connections"]  # one per connection, or () one for all
    buffer: PerExample[Array, "slots outputs"]  # ring of what is on its way
    position: PerExample[Array, ""]  # int32: the slot that arrived last
    step_length: PerExample[Array, ""]  # dt of the latest step, ms; 0 before the first
    stale: PerExample[Array, ""]  # int32: steps until what was sent with another dt has gone


class EventSynapse(Component[EventSynapseState]):
    """Given connections, of which a step touches only those of the cells that fired.

        outputs_j(t) = scale * sum over connections k of i to j:  weights_k inputs_i(t - delay_k)

    The time of a step grows with spikes times out-degree, whatever the number of connections; no
    spike is ever lost, as those that find no room in a round of the search take another. What is
    not 0 counts as a spike, and is transmitted linearly. `delay` is one for all, ms, or the
    connections bring their own (`connections.with_delays`); delays last whole steps, halves up.

    Four bytes per connection, four for its weight (none with `one_weight`), four for its delay.
    The gradient is exact and reads all connections (`Sparse` is faster where it is all that is
    wanted). Give a circuit of many connections to `jax.jit` as an argument: in a closure they would
    be constants of the program. Units: ms. References: Morrison, Mehring, Geisel, Aertsen and
    Diesmann (2005), doi:10.1162/0899766054026648 (ring buffers); Brette et al. (2007),
    doi:10.1007/s10827-007-0038-6.

    Attributes:
        connections: from `nm.connectivity`, such as `fixed_in_degree(1000, 500, 80, seed=0)`.
        max_steps: the longest delay in steps, the size of the ring; by default what a dt of 0.1 ms
            needs. A shorter dt than fits is an error before anything compiles, NaN where traced.
        one_weight: one weight for all, of shape ().

    Raises:
        TypeError: `connections` that are none.
        ValueError: `delay` beside connections with delays of their own, or a traced delay without
            `max_steps`.
    """

    connections: Connections
    delay: NonNegative = 0.0  # ms
    scale: Real = 1.0
    max_steps: Static[int | None] = None
    one_weight: Static[bool] = False
    weight_init: Static[Initializer] = uniform_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        take_ring(self)

    @property
    def shortest_dt(self) -> float:
        return shortest_dt(self)

    def axis_size(self, path: str, axis: str) -> Any:
        known = dict(inputs=self.connections.inputs, outputs=self.connections.outputs)
        return () if path == "weights" and self.one_weight else known.get(axis)

    def init(self, key: Array) -> EventSynapseState:
        return EventSynapseState(**fresh(self, key))

    def advance_state(self, state: EventSynapseState, t: Array, dt: Array) -> EventSynapseState:
        return state.replace(**transmitted(self, state, dt))


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


def transmitted(owner: Any, state: Any, dt: Array) -> dict[str, Array]:
    """The compartments that a step of transmission changes."""
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
