"""Binary synapses that become the harder to change the more often they were confirmed."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Positive, Real, Static, check_whole
from ngcmem.synapses._wrapper import WrappedState, Wrapper


class FusiCascadeState(WrappedState):
    """The synapse's compartments, and how deep every weight is; all Shared."""

    depth: Array
    """int8, 1 ... depth of the cascade, in the shape of the weights: 1 flips at once."""
    learning_key: Array
    """For the transitions."""

    own: ClassVar[tuple[str, ...]] = ("depth", "learning_key")


class FusiCascade(Wrapper):
    """Any plastic synapse with weights of two values, at one of n = `stages` depths.

    Where the synapse's rule wants to change a weight by dW there is an event with probability
    min(|eta dW|, 1), for the sign of dW. With the depth i of the synapse, 1 ... n,

        a like event (up for a strong weight, down for a weak one):   i <- i + 1  with p_i
        an unlike event:   the weight flips, and i <- 1,  with q_i
        p_i = 2^(1 - i),  p_n = 0,      q_i = 2^(1 - i),  q_n = 2^(2 - n)

    so all 2 n states are equally frequent under balanced events. What an event changed fades as a
    power of its age; N synapses keep it for a time that grows as their root, from a higher start
    than simple binary synapses (`nm.analysis.cascade_snr`). Transmission and all other
    compartments are the wrapped synapse's; its own learning rate, bounds and optimiser are not
    used, since a weight has only two values. Reference: Fusi, Drew and Abbott (2005), Neuron
    45:599, doi:10.1016/j.neuron.2005.02.001.

    Attributes:
        synapse: any component that learns and has `weights`, of any shape.
        stages: n, 2 or more.
        eta: events per unit of dW.
        weak, strong: the two values of a weight.

    Raises:
        TypeError: `synapse` does not learn, or has no weights.
        ValueError: `stages` is not a whole number of at least 2 and at most 60.
    """

    stages: Static[int] = 6
    eta: Positive = 1.0
    weak: Real = 0.0
    strong: Real = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("FusiCascade: stages", self.stages)
        if not 2 <= self.stages <= 60:
            raise ValueError(f"FusiCascade: stages is 2 to 60, got {self.stages}.")

    def init(self, key: Array) -> FusiCascadeState:
        own, of_depth, of_sign = jax.random.split(jax.random.fold_in(key, self.stages), 3)
        synapse = self.synapse.init(key)
        shape = synapse["weights"].shape
        strong = jax.random.bernoulli(of_sign, 0.5, shape)
        return FusiCascadeState(
            synapse=synapse.set({"weights": self._values(strong, synapse["weights"].dtype)}),
            depth=jax.random.randint(of_depth, shape, 1, self.stages + 1, jnp.int8),
            learning_key=own,
        )

    def evolve(self, state: FusiCascadeState, t: Array, dt: Array) -> FusiCascadeState:
        key, of_event, of_step = jax.random.split(state.learning_key, 3)
        change = self.eta * _of_weights(self.weight_changes(state, t, dt))
        shape = state.depth.shape
        event = jax.random.uniform(of_event, shape, change.dtype) < jnp.abs(change)
        strong = state["weights"] > 0.5 * (self.weak + self.strong)
        like = strong == (change > 0)
        depth = state.depth.astype(change.dtype)
        last = depth == self.stages
        deepens = jnp.where(last, 0.0, 2.0 ** (1.0 - depth))
        flips = jnp.where(last, 2.0 ** (2.0 - depth), 2.0 ** (1.0 - depth))
        draw = jax.random.uniform(of_step, shape, change.dtype)
        deeper = event & like & (draw < deepens)
        flipped = event & ~like & (draw < flips)
        new = jnp.where(flipped, jnp.int8(1), state.depth + deeper.astype(jnp.int8))
        weights = self._values(strong ^ flipped, state["weights"].dtype)
        return state.replace(
            synapse=state.synapse.set({"weights": weights}), depth=new, learning_key=key
        )

    def _values(self, strong: Array, dtype: Any) -> Array:
        return jnp.where(strong, self.strong, self.weak).astype(dtype)


def _of_weights(changes: Any) -> Array:
    """dWeights of a rule that has them by name, too."""
    return changes["weights"] if isinstance(changes, dict) else changes
