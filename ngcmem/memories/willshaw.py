"""Willshaw's associative net: binary synapses, clipped Hebb."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    LearningInput,
    Memory,
    MemoryState,
    PerExample,
    Probability,
    Shared,
    Static,
)
from ngcmem.memories._bipolar import check_bits
from ngcmem.memories._packed_bits import overlaps, pack, words


class WillshawState(MemoryState):
    inputs: Input[Array, "inputs"]  # the cue, 0 or 1
    targets: LearningInput[Array, "outputs"]  # what evolve binds to it, 0 or 1
    outputs: PerExample[Array, "outputs"]  # 0 or 1
    sums: PerExample[Array, "outputs"]  # active inputs on potentiated synapses
    weights: Shared[Array, "outputs words"]  # synapses, 32 to a word of uint32 along the inputs
    count: Shared[Array, ""]  # pairs written


class Willshaw(Memory[WillshawState]):
    """A synapse is on once its two units have been active together.

        W_ij <- W_ij or (a_i and b_j);    outputs_j = [sum_i a_i W_ij >= threshold * |a|]

    for sparse 0/1 patterns a, b. With k = log2 n ones of n and M = ln 2 (n / k)^2 pairs half the
    synapses are on and about one unit too many answers; a complete cue never misses one. With
    noisy cues lower `threshold` below 1; a unit exactly at it answers. The synapses are kept 32 to
    a word (32 times less memory than floats, and at every batch tried faster than a matrix
    product). `evolve` stores the batch's `inputs` and `targets`.

    References: Willshaw, Buneman and Longuet-Higgins (1969), Nature 222, 960; Palm (1980),
    Biological Cybernetics 36, 19.
    """

    inputs: Static[int]
    outputs: Static[int]
    threshold: Probability = 1.0  # share of the cue's ones that an output must see

    @property
    def autoassociative(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether targets are of the inputs' width."""
        return self.inputs == self.outputs

    def no_convergence(self) -> str:
        return "Nothing is proved of reading what was read."

    def check_patterns(self, place: str, patterns: Any) -> None:
        check_bits("Willshaw", place, patterns)

    def init(self, key: Array) -> WillshawState:
        return WillshawState(
            inputs=jnp.zeros(self.inputs),
            targets=jnp.zeros(self.outputs),
            outputs=jnp.zeros(self.outputs),
            sums=jnp.zeros(self.outputs),
            weights=jnp.zeros((self.outputs, words(self.inputs)), jnp.uint32),
            count=jnp.zeros((), jnp.int32),
        )

    def advance_state(self, state: WillshawState, t: Array, dt: Array) -> WillshawState:
        active = jnp.sum(state.inputs > 0, dtype=jnp.float32)
        sums = overlaps(pack(state.inputs), state.weights).astype(jnp.float32)
        # Sums are whole: the margin undoes the rounding by which 0.6 * 25 is more than 15.
        needed = jnp.asarray(self.threshold, jnp.float32) * active * (1.0 - 1e-6)
        fires = (sums >= needed) & (active > 0) & (state.count > 0)
        return state.recalled(outputs=fires, sums=sums, matched=jnp.any(fires))

    def evolve(self, state: WillshawState, t: Array, dt: Array) -> WillshawState:
        return self._write(state, state.inputs, state.targets)

    def store(
        self, state: WillshawState, inputs: Any, targets: Any, key: Array | None
    ) -> WillshawState:
        if targets is None and not self.autoassociative:
            raise ValueError(
                f"store: targets are the 0/1 patterns to recall, (rows, {self.outputs}): "
                f"nm.store(memory, state, inputs, targets)."
            )
        return self._write(state, inputs, inputs if targets is None else targets)

    def _write(self, state: WillshawState, inputs: Array, targets: Array) -> WillshawState:
        def one(weights: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
            active, target = pair
            return jnp.where(target[:, None], weights | active[None], weights), None

        weights, _ = jax.lax.scan(one, state.weights, (pack(inputs), targets > 0))
        return state.replace(weights=weights, count=state.count + inputs.shape[0])
