"""Bernoulli error cell of a predictive-coding circuit."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Component, Input, PerExample, State, Units, ZeroToOne


class BernoulliErrorState(State):
    prediction: Input[Array, "units"]  # log-odds
    target: Input[Array, "units", ZeroToOne()]
    error: PerExample[Array, "units"]  # -dE/d(prediction): what feedback and learning use
    target_gradient: PerExample[Array, "units"]  # dE/d(target)
    energy: PerExample[Array, ""]


class BernoulliError(Component[BernoulliErrorState]):
    """The mismatch of a predicted probability with binary data (cross-entropy).

        E = sum log(1 + exp(a)) - target * a,   a = prediction (log-odds)
        error = target - sigmoid(a);            dE/d(target) = -a

    finite for every a. A free target is pulled towards 0 or 1 without bound, so clamp it or give
    it a prior. Reference: Bishop (2006), Pattern Recognition and Machine Learning, section 4.3.
    """

    units: Units

    def init(self, key: Array) -> BernoulliErrorState:
        zeros = jnp.zeros(self.units)
        return BernoulliErrorState(
            prediction=zeros, target=zeros, error=zeros, target_gradient=zeros, energy=jnp.zeros(())
        )

    def advance_state(self, state: BernoulliErrorState, t: Array, dt: Array) -> BernoulliErrorState:
        odds = state.prediction
        return state.replace(
            error=state.target - jax.nn.sigmoid(odds),
            target_gradient=-odds,
            energy=jnp.sum(jax.nn.softplus(odds) - state.target * odds),
        )
