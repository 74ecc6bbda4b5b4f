"""Kanerva's sparse distributed memory."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    Interval,
    LearningInput,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
)
from ngcmem.memories._bipolar import check_bipolar
from ngcmem.memories._packed_bits import pack, within
from ngcmem.memories.sparse_distributed.counters import hard_locations


class SparseDistributedState(MemoryState):
    inputs: Input[Array, "inputs"]  # the address, -1 or +1
    targets: LearningInput[Array, "outputs"]  # the word that evolve writes there, -1 or +1
    outputs: PerExample[Array, "outputs"]  # the word read, -1 or +1; 0 if nothing is there
    sums: PerExample[Array, "outputs"]  # of the counters of the active locations
    active: PerExample[Array, ""]  # locations the address activates
    overflow: PerExample[Array, ""]  # ... were more than active_limit: the others take no part
    addresses: Shared[Array, "locations words"]  # of the hard locations, 32 bits to a uint32
    counters: Shared[Array, "locations outputs"]
    count: Shared[Array, ""]  # words written
    overflowed: Shared[Array, ""]  # writes whose address activated more than active_limit


class SparseDistributed(Memory[SparseDistributedState]):
    """Words are spread over all hard locations near an address, and read back by majority.

        active = {locations within Hamming distance `radius` of the address}
        write: counters[active] += word, clipped to [-clip, clip]
        read:  sign(sum counters[active])

    Addresses and words are -1/+1. The hard locations' addresses are random bits, packed 32 to a
    word, and compared `chunk` by `chunk`: nothing larger than a chunk is formed while reading, so
    a million locations are fine. Counters take `locations * outputs` bytes (clip <= 127). At most
    `active_limit` locations may answer one address (`ngcmem.analysis.laws.sdm_active_limit` gives
    the mean and ten standard deviations for random ones); beyond that `overflow` is set.
    `evolve` writes the batch's `targets` at its `inputs`.

    Kanerva's own: inputs=1000, locations=1_000_000, radius=451: about 1,072 active; 10,000 words
    stored under themselves are found from up to 209 wrong bits.

    References: Kanerva (1988), Sparse Distributed Memory; Kanerva (1992), NASA RIACS 92.10.
    """

    inputs: Static[int]
    outputs: Static[int]
    locations: Static[int]
    active_limit: Static[int]
    radius: NonNegative
    clip: Annotated[float | Array, Interval("[1, 127]")] = 127.0
    chunk: Static[int] = 65536

    @property
    def autoassociative(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether words are of the addresses' width."""
        return self.inputs == self.outputs

    def no_convergence(self) -> str:
        return "Beyond the critical distance a reading moves away from the word."

    def check_patterns(self, place: str, patterns: Any) -> None:
        check_bipolar("SparseDistributed", place, patterns)

    def init(self, key: Array) -> SparseDistributedState:
        return SparseDistributedState(
            inputs=jnp.zeros(self.inputs),
            targets=jnp.zeros(self.outputs),
            outputs=jnp.zeros(self.outputs),
            sums=jnp.zeros(self.outputs),
            active=jnp.zeros((), jnp.int32),
            overflow=jnp.zeros((), bool),
            addresses=hard_locations(key, self.locations, self.inputs),
            counters=jnp.zeros((self.locations, self.outputs), jnp.int8),
            count=jnp.zeros((), jnp.int32),
            overflowed=jnp.zeros((), jnp.int32),
        )

    def advance_state(
        self, state: SparseDistributedState, t: Array, dt: Array
    ) -> SparseDistributedState:
        found, active = self._within(state, state.inputs)
        rows = state.counters.at[found].get(mode="fill", fill_value=0)
        sums = jnp.sum(rows, axis=0, dtype=jnp.int32)
        matched = jnp.any(rows != 0)
        return state.recalled(
            outputs=jnp.where(matched, jnp.where(sums >= 0, 1, -1), 0),
            sums=sums,
            active=active,
            overflow=active > self.active_limit,
            matched=matched,
        )

    def _within(self, state: SparseDistributedState, address: Array) -> tuple[Array, Array]:
        return within(pack(address), state.addresses, self.radius, self.active_limit, self.chunk)

    def evolve(self, state: SparseDistributedState, t: Array, dt: Array) -> SparseDistributedState:
        return self._write(state, state.inputs, state.targets)

    def store(
        self, state: SparseDistributedState, inputs: Any, targets: Any, key: Array | None
    ) -> SparseDistributedState:
        if targets is None and not self.autoassociative:
            raise ValueError(
                f"store: targets are the words to write at the addresses, (rows, {self.outputs}): "
                f"nm.store(memory, state, inputs, targets)."
            )
        return self._write(state, inputs, inputs if targets is None else targets)

    def _write(
        self, state: SparseDistributedState, addresses: Array, targets: Array
    ) -> SparseDistributedState:
        clip = jnp.minimum(self.clip, 127).astype(jnp.int32)

        def one(carry: tuple[Array, Array], pair: tuple[Array, Array]) -> tuple:
            counters, overflowed = carry
            address, word = pair
            found, active = self._within(state, address)
            rows = counters.at[found].get(mode="fill", fill_value=0).astype(jnp.int32)
            rows = jnp.clip(rows + word.astype(jnp.int32)[None], -clip, clip).astype(counters.dtype)
            counters = counters.at[found].set(rows, mode="drop")
            return (
                counters,
                overflowed + (active > self.active_limit).astype(overflowed.dtype),
            ), None

        (counters, overflowed), _ = jax.lax.scan(
            one, (state.counters, state.overflowed), (addresses, targets)
        )
        return state.replace(
            counters=counters, overflowed=overflowed, count=state.count + addresses.shape[0]
        )
