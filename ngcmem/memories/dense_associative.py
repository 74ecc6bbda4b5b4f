"""Krotov and Hopfield's dense associative memory of binary patterns."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Input, Memory, MemoryState, PerExample, Shared, Static, check_choice
from ngcmem.memories._bipolar import check_bipolar
from ngcmem.plasticity import Slots, append


class DenseAssociativeState(MemoryState):
    inputs: Input[Array, "features"]  # -1 or +1, 0 where unknown
    outputs: PerExample[Array, "features"]
    energy: PerExample[Array, ""]  # of the outputs
    weights: Shared[Array, "slots features"]  # the patterns
    count: Shared[Array, ""]
    written: Shared[Array, ""]
    refused: Shared[Array, ""]  # patterns that found the memory full
    key: PerExample[Array, ""]  # draws the order of asynchronous updates


class DenseAssociative(Memory[DenseAssociativeState]):
    """A Hopfield network whose energy is steep around its patterns, so that it holds many more.

        energy(x) = -sum_mu F(x . xi_mu)
        x_i <- sign(sum_mu F(x . xi_mu with x_i = 1) - F(x . xi_mu with x_i = -1)), kept if 0

    with F one of

        "polynomial":  F(s) = s^n          K = alpha_n N^(n-1) patterns at 0.5 % wrong bits
        "rectified":   F(s) = max(s, 0)^n  fewer errors: the negatives of patterns are no minima
        "exponential": F(s) = exp(s)       exponentially many; energy = -ln sum exp

    (Krotov and Hopfield state the capacities for the first and train with the second.) One
    `advance_state` is one sweep: "asynchronous" in an order drawn from the example's key, where
    the energy never rises; or "synchronous", every unit by the same rule at once, without that
    promise. Powers are compared relative to the largest overlap, so a high one recalls as well; the
    energy itself is -inf where it is beyond the floats (N^n > 3e38 in float32). `store`
    and `evolve` append patterns.

    References: Krotov and Hopfield (2016), arXiv:1606.01164; Demircigil et al. (2017),
    arXiv:1702.01929 (exponential).

    Raises:
        ValueError: an unknown `interaction` or `updates`.
    """

    slots: Static[int]
    features: Static[int]
    interaction: Static[Literal["polynomial", "rectified", "exponential"]] = "polynomial"
    exponent: Static[int] = 3  # n
    updates: Static[Literal["asynchronous", "synchronous"]] = "asynchronous"

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = ("polynomial", "rectified", "exponential")
        check_choice("DenseAssociative", "interaction", self.interaction, kinds)
        check_choice("DenseAssociative", "updates", self.updates, ("asynchronous", "synchronous"))

    def check_patterns(self, place: str, patterns: Any) -> None:
        check_bipolar("DenseAssociative", place, patterns, not place.startswith("store"))

    def no_convergence(self) -> str | None:
        if self.updates == "synchronous":
            return "Synchronous updates may end in a cycle."
        return None

    def init(self, key: Array) -> DenseAssociativeState:
        zero = jnp.zeros((), jnp.int32)
        return DenseAssociativeState(
            inputs=jnp.zeros(self.features),
            outputs=jnp.zeros(self.features),
            energy=jnp.zeros(()),
            weights=jnp.zeros((self.slots, self.features)),
            count=zero,
            written=zero,
            refused=zero,
            key=key,
        )

    def advance_state(
        self, state: DenseAssociativeState, t: Array, dt: Array
    ) -> DenseAssociativeState:
        key, draw = jax.random.split(state.key)
        x, patterns = state.inputs, state.weights
        used = jnp.arange(self.slots, dtype=jnp.int32) < state.count
        sums = patterns @ x
        if self.updates == "synchronous":
            others = sums[:, None] - patterns * x[None]
            pull = self._pull(others + patterns, others - patterns, used)
            x = jnp.where(pull == 0, x, jnp.sign(pull))
            sums = patterns @ x
        else:
            order = jax.random.permutation(draw, self.features)

            def update(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
                x, sums = carry
                bits = patterns[:, order[i]]
                before = x[order[i]]
                others = (sums - bits * before)[:, None]
                pull = self._pull(others + bits[:, None], others - bits[:, None], used)[0]
                after = jnp.where(pull == 0, before, jnp.sign(pull)).astype(x.dtype)
                return x.at[order[i]].set(after), others[:, 0] + bits * after

            x, sums = jax.lax.fori_loop(0, self.features, update, (x, sums))
        matched = state.count > 0
        return state.recalled(
            outputs=x,
            energy=jnp.where(matched, -self._total(sums, used), 0.0),
            matched=matched,
            key=key,
        )

    def _pull(self, up: Array, down: Array, used: Array) -> Array:
        """sum_mu F(up_mu) - F(down_mu) over the first axis, to a positive factor."""
        used = used[:, None]
        if self.interaction == "exponential":
            return _log_sum(up, used) - _log_sum(down, used)
        exponent = _exponent(jnp.where(used, jnp.maximum(jnp.abs(up), jnp.abs(down)), 0))
        return self._powers(up, used, exponent) - self._powers(down, used, exponent)

    def _total(self, sums: Array, used: Array) -> Array:
        """sum_mu F(s_mu) over the first axis, or its logarithm for the exponential."""
        if self.interaction == "exponential":
            return _log_sum(sums, used)
        exponent = _exponent(jnp.where(used, jnp.abs(sums), 0))
        return jnp.ldexp(self._powers(sums, used, exponent), self.exponent * exponent)

    def _powers(self, sums: Array, used: Array, exponent: Array) -> Array:
        """sum_mu F(s_mu / 2^exponent) over the first axis."""
        base = jnp.maximum(sums, 0) if self.interaction == "rectified" else sums
        base = jnp.where(used, jnp.ldexp(base, -exponent[None]), 0)
        return jnp.sum(base**self.exponent, axis=0)

    def evolve(self, state: DenseAssociativeState, t: Array, dt: Array) -> DenseAssociativeState:
        return self._write(state, state.inputs)

    def store(
        self, state: DenseAssociativeState, inputs: Any, targets: Any, key: Array | None
    ) -> DenseAssociativeState:
        if targets is not None:
            raise ValueError(
                "store: DenseAssociative recalls the patterns themselves: leave out targets."
            )
        if inputs.shape[0] > self.slots:
            raise ValueError(
                f"store: {inputs.shape[0]} patterns do not fit into slots={self.slots}: "
                f"write slots={inputs.shape[0]}."
            )
        return self._write(state, inputs)

    def _write(self, state: DenseAssociativeState, rows: Array) -> DenseAssociativeState:
        slots = append(
            Slots(state.weights, state.count, state.written, state.refused), rows, "refuse"
        )
        return state.replace(
            weights=slots.weights,
            count=slots.count,
            written=slots.written,
            refused=slots.refused,
        )


def _log_sum(sums: Array, used: Array) -> Array:
    floor = jnp.finfo(sums.dtype).min
    return jax.scipy.special.logsumexp(jnp.where(used, sums, floor), axis=0)


def _exponent(sizes: Array) -> Array:
    """e with max sizes / 2^e in [1/2, 1): a power of two, so that equal sums stay equal."""
    return jnp.frexp(jnp.max(sizes, axis=0))[1]
