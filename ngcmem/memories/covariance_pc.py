"""Recurrent predictive coding that learns covariances: explicit, implicit and dendritic."""

from typing import Any, Literal

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Input,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Positive,
    Shared,
    Static,
    check_choice,
    widen,
)


class CovariancePCState(MemoryState):
    inputs: Input[Array, "features"]  # the probe
    known: Input[Array, "features"]  # 1 where the probe is known, 0 where it is to be filled
    outputs: PerExample[Array, "features"]
    energy: PerExample[Array, ""]  # of the outputs
    mean: Shared[Array, "features"]
    weights: Shared[Array, "features features"]  # the covariance, or the recurrent weights
    average: Shared[Array, "features"]  # of stored patterns
    scatter: Shared[Array, "features features"]  # sum of (x - average) outer (x - average)
    count: Shared[Array, ""]


class CovariancePC(Memory[CovariancePCState]):
    """Fills in unknown features from their covariance with the known ones, d = x - mean.

        explicit: weights S, errors e = S^-1 d,    E = d^T e / 2;      dx = -e
        implicit: weights W with zero diagonal, errors e = d - W d,   E = |e|^2 / 2;
                  dx = -e + W^T e
        dendritic: as implicit, but dx = -e

    The outputs are the resting point of dx for the unknown features with the known ones clamped,
    solved for directly. For the explicit and the dendritic form it is the Gaussian conditional
    mean. With all features known, outputs = inputs: there is nothing to fill. `store` sets mean
    and weights to the resting point of learning on all patterns so far: S = covariance + ridge I,
    and W_ij = -(S^-1)_ij / (S^-1)_ii. Batches are merged about their means (Chan, Golub and
    LeVeque 1983, American Statistician 37, 242), so a large mean costs no digits. `evolve` applies
    the local rules one step at a time:

        explicit: dS = (e e^T - S^-1) / 2,          d(mean) = e
        implicit, dendritic: dW = e d^T without its diagonal,  d(mean) = e - W^T e

    means over the batch, unknown features at their resting point: descent on E, for the explicit
    form on E + log det(S) / 2. Reference: Tang, Salvatori, Millidge, Song, Lukasiewicz, Bogacz
    (2023), doi:10.1371/journal.pcbi.1010719.

    Raises:
        ValueError: an unknown `form`.
    """

    features: Static[int]
    form: Static[Literal["explicit", "implicit", "dendritic"]] = "explicit"
    ridge: Positive = 1e-3  # variance added to every feature
    eta: NonNegative | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("CovariancePC", "form", self.form, ("explicit", "implicit", "dendritic"))

    def init(self, key: Array) -> CovariancePCState:
        zeros, square = jnp.zeros(self.features), jnp.zeros((self.features, self.features))
        explicit = self.form == "explicit"
        return CovariancePCState(
            inputs=zeros,
            known=jnp.ones(self.features),
            outputs=zeros,
            energy=jnp.zeros(()),
            mean=zeros,
            weights=jnp.eye(self.features) if explicit else square,
            average=zeros,
            scatter=square,
            count=jnp.zeros((), jnp.int32),
        )

    def no_convergence(self) -> str | None:
        return "Its first step already is the resting point."

    def _pull(self, weights: Array) -> tuple[Array, Array]:
        """Q with E = d^T Q d / 2, and A with dx = -A d."""
        weights = widen(weights)
        identity = jnp.eye(self.features, dtype=weights.dtype)
        if self.form == "explicit":
            precision = jnp.linalg.inv(weights)
            return precision, precision
        misses = identity - weights
        return misses.T @ misses, misses if self.form == "dendritic" else misses.T @ misses

    def advance_state(self, state: CovariancePCState, t: Array, dt: Array) -> CovariancePCState:
        form, pull = self._pull(state.weights)
        known = state.known > 0
        away = widen(jnp.where(known, state.inputs - state.mean, 0.0))
        identity = jnp.eye(self.features, dtype=pull.dtype)
        free = jnp.where(known[:, None], identity, pull)
        free = jnp.where(known[None, :] & ~known[:, None], 0.0, free)
        rest = jnp.where(known, 0.0, -(pull @ away))
        away = away + jnp.linalg.solve(free, rest)
        return state.recalled(
            outputs=widen(state.mean) + away,
            energy=0.5 * away @ form @ away,
            matched=state.count > 0,
        )

    def store(
        self, state: CovariancePCState, inputs: Any, targets: Any, key: Any
    ) -> CovariancePCState:
        if targets is not None:
            raise ValueError(
                "store: CovariancePC is auto-associative: to bind inputs to targets, store them "
                "side by side as one pattern and recall with known=."
            )
        inputs, average, scatter = widen((inputs, state.average, state.scatter))
        count = state.count + inputs.shape[0]
        number = count.astype(inputs.dtype)
        share = inputs.shape[0] / number
        fresh = inputs.mean(0)
        away, apart = inputs - fresh[None], fresh - average
        mean = average + share * apart
        between = (number - inputs.shape[0]) * share * jnp.outer(apart, apart)
        scatter = scatter + away.T @ away + between
        identity = jnp.eye(self.features, dtype=scatter.dtype)
        weights = scatter / number + self.ridge * identity
        if self.form != "explicit":
            precision = jnp.linalg.inv(weights)
            weights = identity - precision / jnp.diagonal(precision)[:, None]
        return state.replace(mean=mean, weights=weights, average=mean, scatter=scatter, count=count)

    def weight_changes(self, state: CovariancePCState, t: Array, dt: Array) -> dict[str, Array]:
        seen = jnp.where(state.known > 0, state.inputs, state.outputs)
        away, weights = widen(seen - state.mean[None]), widen(state.weights)
        if self.form == "explicit":
            precision = jnp.linalg.inv(weights)
            error = away @ precision
            change = 0.5 * (error.T @ error / len(error) - precision)
        else:
            error = away - away @ weights.T
            change = error.T @ away / len(error)
            change = change - jnp.diag(jnp.diagonal(change))
            error = error - error @ weights
        return {"weights": change, "mean": error.mean(0)}

    def evolve(self, state: CovariancePCState, t: Array, dt: Array) -> CovariancePCState:
        if self.eta is None:
            return state
        change = self.weight_changes(state, t, dt)
        return state.replace(
            weights=state.weights + self.eta * change["weights"],
            mean=state.mean + self.eta * change["mean"],
        )
