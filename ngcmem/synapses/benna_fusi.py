"""Complex synapses: a chain of hidden variables behind every weight."""

from functools import cache
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ngcmem.core import Positive, Real, Static, carry, check_whole, evolve_batch
from ngcmem.synapses._wrapper import WrappedState, Wrapper


class BennaFusiState(WrappedState):
    """The synapse's compartments, and what stands behind its weights; all Shared."""

    chain: Array
    """(stages - 1, ...) the hidden variables u_2 ... u_m, in the unit of the weights."""
    rounding: Array | None
    """(stages, ...) what the digits of u_1 ... u_m do not hold; None with a `grid`."""
    learning_key: Array | None
    """For stochastic rounding; None without a `grid`."""

    own: ClassVar[tuple[str, ...]] = ("chain", "rounding", "learning_key")

    def axes(self, name: str, weights: tuple[str, ...]) -> tuple[str, ...]:
        return ("hidden" if name == "chain" else "stages", *weights)


class BennaFusi(Wrapper):
    """Any plastic synapse, with memory of its past at many time scales.

    Behind every weight stands a chain of m = `stages` variables, the first of them the weight,
    u_1 = weights - rest. They exchange like water between vessels ever wider, C_k, through pipes
    ever thinner, g_k, and the last leaks:

        u_1 <- u_1 + what the synapse's own rule changes, in `evolve`
        tau C_k du_k/dt = g_{k-1} (u_{k-1} - u_k) + g_k (u_{k+1} - u_k)
        C_k = 2^(k - 1),   g_k = 2^(-k - 2),   u_{m+1} = 0

    in that order, the second exact for any dt. What one event changed fades with its age as
    age^(-1/2), up to the slowest time, about 2^(2 m - 2) tau, where N synapses alone would forget
    exponentially: the number of memories they hold grows nearly with N, where simple ones
    reach its root (`nm.analysis.benna_fusi_snr`). Every other compartment, transmission, learning
    rate, bounds and optimiser are the wrapped synapse's, under their own names: wire, clamp and
    record it as without this. tau is the time between two events that are to be kept apart.

    With a `grid` every variable has that spacing, and lies within +-`bound`: it is rounded up or
    down at random, right on average. (Rounding to the nearest would freeze slow variables.)

    A new state is at rest: the whole chain holds the weights the synapse begins with. Reference:
    Benna and Fusi (2016), Nature Neuroscience 19:1697, doi:10.1038/nn.4401.

    Attributes:
        synapse: any component that learns and has `weights`, of any shape.
        stages: m, the number of variables of a synapse, 1 or more.
        tau: ms.
        rest: the weight to which everything leaks in the end.
        grid, bound: the spacing and the largest size of the variables; both or neither.

    Raises:
        TypeError: `synapse` does not learn, or has no weights.
        ValueError: `stages` is not a whole number of at least 1, or only one of grid and bound.
    """

    stages: Static[int] = 5
    tau: Positive = 1.0
    rest: Real = 0.0
    grid: Positive | None = None
    bound: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("BennaFusi: stages", self.stages)
        if (self.grid is None) != (self.bound is None):
            raise ValueError(
                f"BennaFusi: grid and bound go together, got grid={self.grid!r} and "
                f"bound={self.bound!r}. Write grid=1.0, bound=10.0, or neither."
            )

    def init(self, key: Array) -> BennaFusiState:
        synapse = self.synapse.init(key)
        first = synapse["weights"] - self.rest
        exact = self.grid is None
        return BennaFusiState(
            synapse=synapse,
            chain=jnp.broadcast_to(first, (self.stages - 1, *first.shape)),
            rounding=jnp.zeros((self.stages, *first.shape), first.dtype) if exact else None,
            learning_key=None if exact else jax.random.fold_in(key, self.stages),
        )

    def evolve(self, state: BennaFusiState, t: Array, dt: Array) -> BennaFusiState:
        synapse = evolve_batch(self.synapse, state.synapse, t, dt)
        kind = state.chain.dtype
        first = (synapse["weights"] - self.rest)[None].astype(kind)
        values = jnp.concatenate([first, state.chain])
        change = self._exchanged(dt / self.tau, values)
        if state.rounding is not None:
            values, lost = carry(values, state.rounding, change)
            key, rounding = None, lost.astype(state.rounding.dtype)
        else:
            key, draw = jax.random.split(state.learning_key)  # pyright: ignore
            values, rounding = self._on_grid(values + change, draw).astype(kind), None
        weights = (values[0] + self.rest).astype(synapse["weights"].dtype)
        return state.replace(
            synapse=synapse.set({"weights": weights}),
            chain=values[1:],
            rounding=rounding,
            learning_key=key,
        )

    def _exchanged(self, time: Array, values: Array) -> Array:
        """(exp(A time) - 1) values, over the first axis; exact, and with the digits of small times.

        A is similar to a symmetric matrix: its eigenvectors are computed once, in float64.
        """
        rates, vectors, inverse = _modes(self.stages)
        growth = jnp.expm1(jnp.asarray(rates, values.dtype) * time.astype(values.dtype))
        step = (jnp.asarray(vectors, values.dtype) * growth[None]) @ jnp.asarray(
            inverse, values.dtype
        )
        return jnp.tensordot(step, values, 1)

    def _on_grid(self, values: Array, key: Array) -> Array:
        """Rounded up with the probability of what is left, else down, and within the bound."""
        assert self.grid is not None and self.bound is not None
        scaled = values / self.grid
        low = jnp.floor(scaled)
        up = jax.random.uniform(key, values.shape, values.dtype) < scaled - low
        return jnp.clip((low + up.astype(values.dtype)) * self.grid, -self.bound, self.bound)


def exchange_matrix(stages: int) -> np.ndarray:
    """A of du/dt = A u, (stages, stages), for tau = 1."""
    k = np.arange(1, stages + 1)
    wide, thin = 2.0 ** (k - 1), 2.0 ** (-k - 2.0)
    matrix = np.zeros((stages, stages))
    for i in range(stages):
        matrix[i, i] -= thin[i]
        if i + 1 < stages:
            matrix[i, i + 1] += thin[i]
        if i > 0:
            matrix[i, i] -= thin[i - 1]
            matrix[i, i - 1] += thin[i - 1]
    return matrix / wide[:, None]


@cache
def _modes(stages: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues, right and left eigenvectors of the exchange."""
    root = 2.0 ** (np.arange(stages) / 2)  # sqrt(C): makes the matrix symmetric
    symmetric = root[:, None] * exchange_matrix(stages) / root[None]
    rates, vectors = np.linalg.eigh((symmetric + symmetric.T) / 2)
    return rates, vectors / root[:, None], vectors.T * root[None]
