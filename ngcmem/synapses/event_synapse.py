"""A synapse that works only where cells fire."""

from typing import Any

from jax import Array

from ngcmem.connectivity import Connections
from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    check_choice,
    uniform_weights,
)
from ngcmem.synapses._delivery import deliver, deliver_all
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses._transmission import fresh, shortest_dt, take_ring, transmitted

FEW = 1000  # connections, up to which reading all costs less than finding one that fired


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
        method: "events" reads the rows of cells that fired, "all" reads every connection in every
            step, "auto" takes "all" for up to 1,000 connections, where it is the faster one
            whatever fires. They sum in another order: results agree to rounding.

    Raises:
        TypeError: `connections` that are none.
        ValueError: an unknown `method`; `delay` beside connections with delays of their own, or a
            traced delay without `max_steps`.
    """

    connections: Connections
    delay: NonNegative = 0.0  # ms
    scale: Real = 1.0
    max_steps: Static[int | None] = None
    one_weight: Static[bool] = False
    method: Static[str] = "auto"
    weight_init: Static[Initializer] = uniform_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("EventSynapse", "method", self.method, ("auto", "events", "all"))
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
        few = self.method == "auto" and len(self.connections) <= FEW
        brought = deliver_all if few or self.method == "all" else deliver
        return state.replace(**transmitted(self, state, dt, brought))
