"""Reward-modulated spike-timing-dependent plasticity."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import LearningInput
from ngcmem.synapses._events import Event
from ngcmem.synapses.plastic import PlasticState, PlasticSynapse


class RewardSTDPState(PlasticState):
    eligibility: LearningInput[Array, "inputs outputs"]  # of an Eligibility
    reward: LearningInput[Array, ""]  # minus what was expected; 0 unless driven


class RewardSTDP(PlasticSynapse[RewardSTDPState]):
    """A synapse that changes when a reward arrives, where it was eligible.

        dW = dt reward * eligibility                                            (batch mean)

    An integral over the time of the reward: `eta` is per ms, and a reward that lasts twice as long
    changes twice as much, whatever dt is. A reward given in one step is 1 / dt high where its
    integral is to be 1. Each example has a reward and an eligibility of its own, so the mean is of
    products. Wire `eligibility` from an `Eligibility`, drive or clamp `reward`. `post` is not read.
    Transmission, `eta`, `optimizer`, bounds and `total` as in `PlasticSynapse`. Reference:
    Izhikevich (2007), Cerebral Cortex 17:2443, doi:10.1093/cercor/bhl152; Florian (2007),
    doi:10.1162/neco.2007.19.6.1468.
    """

    def init(self, key: Array) -> RewardSTDPState:
        return RewardSTDPState(
            eligibility=jnp.zeros((self.inputs, self.outputs)),
            reward=jnp.zeros(()),
            **self.init_common(key),
        )

    def events(self, state: RewardSTDPState, t: Array, dt: Array) -> tuple[Event, ...]:
        return (dt * state.reward[:, None, None] * state.eligibility,)
