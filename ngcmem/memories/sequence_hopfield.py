"""Sequence memory: a Hopfield network whose patterns call up their successors."""

from typing import Annotated, Any, Literal

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    Interval,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
    check_choice,
)
from ngcmem.memories._bipolar import check_bipolar
from ngcmem.plasticity import Slots, append


class SequenceHopfieldState(MemoryState):
    inputs: Input[Array, "features"]  # -1 or +1, 0 where unknown
    outputs: PerExample[Array, "features"]  # the next pattern
    overlaps: PerExample[Array, "slots"]  # of the inputs with every stored pattern, -1..1
    trace: PerExample[Array, "features"]  # the inputs, low-pass filtered: what the fast step sees
    weights: Shared[Array, "slots features"]  # xi_mu
    successors: Shared[Array, "slots features"]  # xi_mu+1
    count: Shared[Array, ""]
    written: Shared[Array, ""]
    refused: Shared[Array, ""]  # transitions that found the memory full


class SequenceHopfield(Memory[SequenceHopfieldState]):
    """Every pattern is followed by the next: x <- sign(sum_mu xi_mu+1 f(m_mu)).

        m_mu = sum_{j != i} xi_mu,j x_j / (N - 1);   f(m) = m^exponent   or   exp((N - 1)(m - 1))

    "polynomial" with exponent 1 is the asymmetric Hebb rule, "exponential" holds exponentially long
    sequences. `persistence` p > 0 mixes in a pull to the present pattern, and the step forward
    sees an average over the last `delay` steps, so that each pattern is held for a while:

        x <- sign(sum_mu p xi_mu f(m_mu(x)) + xi_mu+1 f(m_mu(trace))),  trace += (x - trace) / delay

    `store` takes a sequence as rows and stores its transitions (the last row has no successor:
    append the first row to close a ring), or pairs with `targets`; `evolve` takes no part. Recall
    with `steps=k` walks k patterns on. A unit whose field is 0 keeps its value.

    References: Chaudhry, Zavatone-Veth, Krotov and Pehlevan (2023), arXiv:2306.04532; Sompolinsky
    and Kanter (1986), Phys. Rev. Lett. 57, 2861, for slow and fast synapses.

    Raises:
        ValueError: an unknown `interaction`.
    """

    slots: Static[int]  # transitions
    features: Static[int]
    interaction: Static[Literal["polynomial", "exponential"]] = "polynomial"
    exponent: Static[int] = 1
    persistence: NonNegative = 0.0
    delay: Annotated[float | Array, Interval("[1, inf)")] = 1.0  # steps, at least 1

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = ("polynomial", "exponential")
        check_choice("SequenceHopfield", "interaction", self.interaction, kinds)

    def check_patterns(self, place: str, patterns: Any) -> None:
        check_bipolar("SequenceHopfield", place, patterns, not place.startswith("store"))

    def no_convergence(self) -> str | None:
        return "A sequence goes on."

    def init(self, key: Array) -> SequenceHopfieldState:
        zero, shape = jnp.zeros((), jnp.int32), (self.slots, self.features)
        return SequenceHopfieldState(
            inputs=jnp.zeros(self.features),
            outputs=jnp.zeros(self.features),
            overlaps=jnp.zeros(self.slots),
            trace=jnp.zeros(self.features),
            weights=jnp.zeros(shape),
            successors=jnp.zeros(shape),
            count=zero,
            written=zero,
            refused=zero,
        )

    def advance_state(
        self, state: SequenceHopfieldState, t: Array, dt: Array
    ) -> SequenceHopfieldState:
        x = state.inputs
        rested = jnp.any(state.trace != 0)
        trace = jnp.where(rested, state.trace + (x - state.trace) / self.delay, x)
        away, here = self._overlaps(state, trace), self._overlaps(state, x)
        used = (jnp.arange(self.slots, dtype=jnp.int32) < state.count)[:, None]
        # A common scale, against underflow.
        top = jnp.max(jnp.maximum(away, here), axis=0, where=used, initial=-1.0)
        onward = jnp.sum(state.successors * self._separated(away, top, used), axis=0)
        stay = jnp.sum(state.weights * self._separated(here, top, used), axis=0)
        field = onward + self.persistence * stay
        return state.recalled(
            outputs=jnp.where(field == 0, x, jnp.sign(field)),
            overlaps=state.weights @ x / self.features,
            trace=trace,
            matched=state.count > 0,
        )

    def _overlaps(self, state: SequenceHopfieldState, x: Array) -> Array:
        """m for every slot and unit, without the unit itself, (slots, features)."""
        own = state.weights * x[None]
        return (jnp.sum(own, axis=1, keepdims=True) - own) / max(self.features - 1, 1)

    def _separated(self, overlap: Array, top: Array, used: Array) -> Array:
        if self.interaction == "polynomial":
            return jnp.where(used, overlap**self.exponent, 0)
        return jnp.where(
            used, jnp.exp((self.features - 1) * jnp.minimum(overlap - top[None], 0)), 0
        )

    def store(
        self, state: SequenceHopfieldState, inputs: Any, targets: Any, key: Array | None
    ) -> SequenceHopfieldState:
        if targets is None and inputs.shape[0] < 2:
            raise ValueError(
                "store: a sequence has at least two patterns (rows); for one transition write "
                "nm.store(memory, state, now[None], after[None])."
            )
        now, after = (inputs[:-1], inputs[1:]) if targets is None else (inputs, targets)
        if now.shape[0] > self.slots:
            raise ValueError(
                f"store: {now.shape[0]} transitions do not fit into slots={self.slots}: "
                f"write slots={now.shape[0]}."
            )
        slots = append(
            Slots(state.weights, state.count, state.written, state.refused), now, "refuse"
        )
        following = append(
            Slots(state.successors, state.count, state.written, state.refused), after, "refuse"
        )
        return state.replace(
            weights=slots.weights,
            successors=following.weights,
            count=slots.count,
            written=slots.written,
            refused=slots.refused,
        )
