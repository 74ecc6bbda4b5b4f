"""Laplacian error cell of a predictive-coding circuit."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, Positive, State, Units


class LaplacianErrorState(State):
    prediction: Input[Array, "units"]
    target: Input[Array, "units"]
    error: PerExample[Array, "units"]  # -dE/d(prediction): what feedback and learning use
    target_gradient: PerExample[Array, "units"]  # dE/d(target)
    energy: PerExample[Array, ""]


class LaplacianError(Component[LaplacianErrorState]):
    """The mismatch of a prediction under Laplacian noise: outliers pull no harder than others.

        E = sum |target - prediction| / scale;     error = sign(target - prediction) / scale

    the negative log-likelihood up to a constant; at a mismatch of 0 the subgradient is 0. With a
    prediction nobody wires (0) it is a sparse prior on the target. Reference: Bishop (2006),
    Pattern Recognition and Machine Learning, section 1.2.
    """

    units: Units
    scale: Positive = 1.0

    def init(self, key: Array) -> LaplacianErrorState:
        zeros = jnp.zeros(self.units)
        return LaplacianErrorState(
            prediction=zeros, target=zeros, error=zeros, target_gradient=zeros, energy=jnp.zeros(())
        )

    def advance_state(self, state: LaplacianErrorState, t: Array, dt: Array) -> LaplacianErrorState:
        mismatch = state.target - state.prediction
        error = jnp.sign(mismatch) / self.scale
        return state.replace(
            error=error, target_gradient=error, energy=jnp.sum(jnp.abs(mismatch) / self.scale)
        )
