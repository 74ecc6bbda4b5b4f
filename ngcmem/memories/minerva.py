"""Hintzman's MINERVA 2: a memory of every episode's trace."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    Memory,
    MemoryState,
    PerExample,
    Probability,
    Shared,
    Static,
    as_probability,
)
from ngcmem.memories._bipolar import check_bipolar
from ngcmem.plasticity import Slots, append
from ngcmem.retrieval import Power


class Minerva2State(MemoryState):
    inputs: Input[Array, "features"]  # the probe: -1, +1, or 0 for a feature that is not given
    outputs: PerExample[Array, "features"]  # echo content
    intensity: PerExample[Array, ""]  # echo intensity
    similarities: PerExample[Array, "slots"]
    memory_weights: PerExample[Array, "slots"]  # activations: similarities to the third power
    weights: Shared[Array, "slots features"]  # traces: -1, +1, or 0 for a lost feature
    count: Shared[Array, ""]
    written: Shared[Array, ""]
    refused: Shared[Array, ""]  # traces that found the memory full
    learning_key: Shared[Array, ""]  # which features are encoded


class Minerva2(Memory[Minerva2State]):
    """All traces answer a probe together, each with the cube of its similarity.

        S_i = sum_j p_j T_ij / n_i,   n_i = features that are not 0 in the probe or in trace i
        A_i = S_i^3;   intensity = sum_i A_i;   outputs = echo content = sum_i A_i T_ij

    `store` and `evolve` append traces in which each feature of an episode survives with
    probability `encoding` (L), else it is 0; `forget` loses more of them later. Which survive is
    drawn once for all rows of a call: grouped into other calls, the same rows lose others. The echo
    content is no probe (its scale is free): to probe again give `jnp.sign` of it, or the content
    divided by its largest magnitude.

    References: Hintzman (1984), Behavior Research Methods 16, 96; Hintzman (1986), Psychological
    Review 93, 411; Hintzman (1988), Psychological Review 95, 528.
    """

    slots: Static[int]
    features: Static[int]
    encoding: Probability = 1.0  # L, the probability that a feature is stored

    autoassociative = False

    def check_patterns(self, place: str, patterns: Any) -> None:
        if place.startswith("store"):
            check_bipolar("Minerva2", place, patterns, zero_is_unknown=True)

    def init(self, key: Array) -> Minerva2State:
        zero = jnp.zeros((), jnp.int32)
        return Minerva2State(
            inputs=jnp.zeros(self.features),
            outputs=jnp.zeros(self.features),
            intensity=jnp.zeros(()),
            similarities=jnp.zeros(self.slots),
            memory_weights=jnp.zeros(self.slots),
            weights=jnp.zeros((self.slots, self.features)),
            count=zero,
            written=zero,
            refused=zero,
            learning_key=key,
        )

    def advance_state(self, state: Minerva2State, t: Array, dt: Array) -> Minerva2State:
        probe, traces = state.inputs, state.weights
        given = (probe != 0).astype(probe.dtype)
        held = (traces != 0).astype(probe.dtype)
        relevant = jnp.sum(given) + held @ (1.0 - given)
        similarities = (traces @ probe) / jnp.maximum(relevant, 1.0)
        used = jnp.arange(self.slots, dtype=jnp.int32) < state.count
        activations = Power(exponent=3)(similarities, 1.0, used)
        return state.recalled(
            outputs=activations @ traces,
            intensity=jnp.sum(activations),
            similarities=similarities,
            memory_weights=activations,
            matched=state.count > 0,
        )

    def evolve(self, state: Minerva2State, t: Array, dt: Array) -> Minerva2State:
        return self._write(state, state.inputs, None)

    def store(
        self, state: Minerva2State, inputs: Any, targets: Any, key: Array | None
    ) -> Minerva2State:
        if targets is not None:
            raise ValueError(
                "store: Minerva2 stores whole episodes: put what belongs together into one row, "
                "jnp.concatenate([names, items], axis=1), and leave out targets."
            )
        if inputs.shape[0] > self.slots:
            raise ValueError(
                f"store: {inputs.shape[0]} traces do not fit into slots={self.slots}: "
                f"write slots={inputs.shape[0]}."
            )
        return self._write(state, inputs, key)

    def _write(self, state: Minerva2State, rows: Array, key: Array | None) -> Minerva2State:
        following, own = jax.random.split(state.learning_key)
        draws = own if key is None else key
        kept = jax.random.bernoulli(draws, self.encoding, rows.shape)
        slots = append(
            Slots(state.weights, state.count, state.written, state.refused),
            jnp.where(kept, rows, 0),
            "refuse",
        )
        return state.replace(
            weights=slots.weights,
            count=slots.count,
            written=slots.written,
            refused=slots.refused,
            learning_key=following,
        )

    def forget(self, state: Minerva2State, loss: float | Array, key: Array) -> Minerva2State:
        """Every feature of every trace is lost with probability `loss`.

        Raises:
            ValueError: a number outside of 0 to 1 (traced: every trace is NaN).
        """
        loss = as_probability("Minerva2.forget: loss", loss)
        lost = jax.random.bernoulli(key, loss, state.weights.shape)
        kept = jnp.where(lost, 0, state.weights)
        return state.replace(weights=jnp.where(loss >= 0, kept, jnp.nan))
