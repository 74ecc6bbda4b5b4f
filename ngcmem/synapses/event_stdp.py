"""Spike-timing-dependent plasticity of given connections, worked out only where cells fire."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array, lax

from ngcmem.connectivity import Columns, Connections
from ngcmem.core import (
    Component,
    LearningInput,
    NonNegative,
    PerExample,
    Real,
    Static,
    check_choice,
    uniform_weights,
    whole_steps,
)
from ngcmem.synapses._bounds import clipped, crossed
from ngcmem.synapses._delivery import deliver, rows_of, walk
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses._transmission import fresh, shortest_dt, take_ring, transmitted
from ngcmem.synapses.event_synapse import EventSynapseState


class EventSTDPState(EventSynapseState):
    post: LearningInput[Array, "outputs"]  # postsynaptic spikes
    pre_trace: LearningInput[Array, "inputs"]  # of a Trace of the presynaptic spikes
    post_trace: LearningInput[Array, "outputs"]  # of a Trace of the postsynaptic spikes
    sent: PerExample[Array, "slots inputs"]  # spikes of the latest steps
    sent_traces: PerExample[Array, "slots inputs"]  # presynaptic traces of the latest steps


class EventSTDP(Component[EventSTDPState]):
    """`STDP` of an `EventSynapse`: a step touches the connections of cells that fired, no others.

        dW_k = a_plus pre_trace_i(t - delay_k) post_j(t) - a_minus inputs_i(t - delay_k)
               post_trace_j(t)                                             (batch mean)

    for a connection k of i to j: the pair rule where the spikes arrive, which for delays of 0 is
    `STDP` on the connections there are. Depression is worked out along the rows of cells whose
    spikes arrive, potentiation along the columns of cells that fire. A weight that no event touches
    keeps its bits; the traces are those of two `Trace`s wired in, as in `STDP`. `eta` is one value.
    Bounds "hard" clip what was touched, "none" leaves it free.

    Sixteen bytes per connection, and four for its delay. Delays, batches and `scale` as in
    `EventSynapse`. Units: ms. References: as `STDP`; Morrison, Aertsen and Diesmann (2007),
    doi:10.1162/neco.2007.19.6.1437 (both sides event-driven).

    Raises:
        TypeError, ValueError: as `EventSynapse`; an unknown `bounds` (there are no soft ones), or a
            `weight_min` above `weight_max`.
    """

    one_weight: ClassVar[bool] = False

    connections: Connections
    columns: Columns | None = None  # made of the connections
    delay: NonNegative = 0.0  # ms
    scale: Real = 1.0
    eta: NonNegative = 0.01
    a_plus: Real = 1.0
    a_minus: Real = 1.05
    weight_min: Real = 0.0
    weight_max: Real = 1.0
    bounds: Static[str] = "hard"
    max_steps: Static[int | None] = None
    weight_init: Static[Initializer] = uniform_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        take_ring(self)
        check_choice("EventSTDP", "bounds", self.bounds, ("hard", "none"))
        if self.bounds == "hard" and crossed(self.weight_min, self.weight_max):
            raise ValueError(
                f"EventSTDP: weight_min={self.weight_min} is above weight_max={self.weight_max}. "
                f"Exchange them."
            )
        if self.columns is None and hasattr(self.connections, "by_target"):
            object.__setattr__(self, "columns", self.connections.by_target())

    @property
    def shortest_dt(self) -> float:
        return shortest_dt(self)

    def axis_size(self, path: str, axis: str) -> Any:
        return dict(inputs=self.connections.inputs, outputs=self.connections.outputs).get(axis)

    def init(self, key: Array) -> EventSTDPState:
        common = fresh(self, key)
        pre, post = common["inputs"], common["outputs"]
        ring = jnp.zeros((self.slots, *pre.shape))
        return EventSTDPState(
            post=post, pre_trace=pre, post_trace=post, sent=ring, sent_traces=ring, **common
        )

    @property
    def slots(self) -> int:
        """How many steps the rings hold."""
        assert self.max_steps is not None
        return self.max_steps + 1

    def advance_state(self, state: EventSTDPState, t: Array, dt: Array) -> EventSTDPState:
        last = state.position  # the traces of the step before are known only now
        traces = state.sent_traces.at[last].set(state.pre_trace)
        changes = transmitted(self, state, dt, deliver)
        sent = state.sent.at[changes["position"]].set(state.inputs)
        return state.replace(sent=sent, sent_traces=traces, **changes)

    def weight_changes(self, state: EventSTDPState, t: Array, dt: Array) -> Array:
        """dWeights, (connections,), before `eta` and bounds."""
        return self._changed(jnp.zeros_like(state.weights), state, dt, 1.0)

    def evolve(self, state: EventSTDPState, t: Array, dt: Array) -> EventSTDPState:
        weights = self._changed(state.weights, state, dt, self.eta)
        if self.bounds == "hard":
            weights = self._visited(weights, state, dt, self._clip, self._clip)
        return state.replace(weights=weights.astype(state.weights.dtype))

    def _changed(self, weights: Array, state: EventSTDPState, dt: Array, eta: Any) -> Array:
        """The weights with eta times what the events change added."""
        share = jnp.asarray(eta, weights.dtype) / state.inputs.shape[0]
        targets, lags = self.connections.targets, self._lags(dt)
        ring = _latest(state.sent_traces, state.position, state.pre_trace)

        def depress(old: Array, at: Array, exists: Array, place: Any) -> Array:
            example, strength = place
            post = lax.dynamic_slice(targets, (at,), exists.shape)
            change = -self.a_minus * share * strength * state.post_trace[example][post]
            return old + jnp.where(exists, change, 0.0).astype(old.dtype)

        def potentiate(old: Array, at: Array, positions: Array, place: Any) -> Array:
            example, strength = place
            pre = lax.dynamic_slice(self.columns.sources, (at,), positions.shape)  # pyright: ignore
            lag = lags if lags.ndim == 0 else lags[positions]
            change = self.a_plus * share * strength * ring[example, lag, pre]
            return old + change.astype(old.dtype)

        return self._visited(weights, state, dt, depress, potentiate)

    def _visited(
        self, weights: Array, state: EventSTDPState, dt: Array, row: Any, column: Any
    ) -> Array:
        """The weights changed along the rows of arriving spikes and the columns of fired cells."""
        connections, columns = self.connections, self.columns
        assert columns is not None
        entries = len(connections)
        arrived, of_rows, example_of = self._arrivals(state, dt)

        def along_row(w: Array, k: Array, prepared: Any, at: Array, exists: Array) -> Array:
            old = lax.dynamic_slice(w, (at,), exists.shape)
            new = row(old, at, exists, [one[k] for one in prepared])
            return lax.dynamic_update_slice(w, jnp.where(exists, new.astype(w.dtype), old), (at,))

        def along_column(w: Array, k: Array, prepared: Any, at: Array, exists: Array) -> Array:
            positions = lax.dynamic_slice(columns.positions, (at,), exists.shape)
            new = column(w[positions], at, positions, [one[k] for one in prepared])
            places = jnp.where(exists, positions, entries)
            return w.at[places].set(new.astype(w.dtype), mode="drop")

        weights = walk(
            arrived,
            of_rows,
            entries,
            connections.block,
            along_row,
            lambda places: (example_of(places), arrived[places]),
            weights,
        )
        fired, cells = state.post.ravel(), connections.outputs
        return walk(
            fired,
            rows_of(columns.starts),
            entries,
            columns.block,
            along_column,
            lambda places: (places // cells, fired[places]),
            weights,
        )

    def _clip(self, old: Array, *_: Any) -> Array:
        return clipped(old, self.weight_min, self.weight_max)

    def _lags(self, dt: Array) -> Array:
        own = self.connections.delays
        return whole_steps(self.delay if own is None else own, dt)

    def _arrivals(self, state: EventSTDPState, dt: Array) -> tuple[Array, Any, Any]:
        """What arrives in this step: values, the bounds of their rows, and whose they are."""
        lags, starts = self._lags(dt), self.connections.starts
        rows, cells = rows_of(starts), self.connections.inputs
        if lags.ndim == 0:
            slot = (state.position - lags) % self.slots
            now = jnp.take_along_axis(state.sent, slot[:, None, None], axis=1)
            return now.ravel(), rows, lambda places: places // cells
        ages = _latest(state.sent, state.position)  # (batch, slots, inputs), by age

        def of_age(places: Array) -> tuple[Array, Array]:
            begins, ends = rows(places)
            age = (places // cells) % self.slots
            first = _bisected(lags, begins, ends, age)
            return first, _bisected(lags, first, ends, age + 1)

        return ages.ravel(), of_age, lambda places: places // (cells * self.slots)


def _latest(ring: Array, position: Array, now: Array | None = None) -> Array:
    """Rings (batch, slots, n) by age: 0 is this step's, which `now` says where it is not in yet."""
    age = jnp.arange(ring.shape[1], dtype=jnp.int32)
    slot = (position[:, None] - age[None]) % ring.shape[1]
    by_age = jnp.take_along_axis(ring, slot[:, :, None], axis=1)
    return by_age if now is None else by_age.at[:, 0].set(now)


def _bisected(values: Array, begins: Array, ends: Array, wanted: Array) -> Array:
    """The first place of each part begins..ends, ascending, whose value is `wanted` or more."""

    def halved(_: Any, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) // 2
        less = (low < high) & (values[jnp.minimum(middle, values.shape[0] - 1)] < wanted)
        return jnp.where(less, middle + 1, low), jnp.where(less, high, middle)

    return lax.fori_loop(0, 32, halved, (begins, ends))[0]
