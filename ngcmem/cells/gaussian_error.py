"""Gaussian error cell of a predictive-coding circuit."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, Positive, State, Units


class GaussianErrorState(State):
    prediction: Input[Array, "units"]
    target: Input[Array, "units"]
    error: PerExample[Array, "units"]  # -dE/d(prediction): what feedback and learning use
    target_gradient: PerExample[Array, "units"]  # dE/d(target)
    energy: PerExample[Array, ""]


class GaussianError(Component[GaussianErrorState]):
    """The mismatch of a prediction under Gaussian noise.

        E = sum (target - prediction)^2 / (2 variance);     error = (target - prediction) / variance

    the negative log-likelihood up to a constant, and the precision-weighted prediction error. A
    prediction nobody wires is 0: then it is a Gaussian prior on the target. Reference: Friston
    (2005), A theory of cortical responses, doi:10.1098/rstb.2005.1622.
    """

    units: Units
    variance: Positive = 1.0

    def init(self, key: Array) -> GaussianErrorState:
        zeros = jnp.zeros(self.units)
        return GaussianErrorState(
            prediction=zeros, target=zeros, error=zeros, target_gradient=zeros, energy=jnp.zeros(())
        )

    def advance_state(self, state: GaussianErrorState, t: Array, dt: Array) -> GaussianErrorState:
        mismatch = state.target - state.prediction
        error = mismatch / self.variance
        return state.replace(
            error=error, target_gradient=error, energy=0.5 * jnp.sum(mismatch * error)
        )
