"""Changes as events, one per example: what the two sides of a synapse did at the same time.

An event is a pair (pre, post) of arrays (batch, inputs) and (batch, outputs), which stands for the
changes pre outer post, or the changes themselves, (batch, inputs, outputs). The sum of all pairs
is one matrix product for the whole batch, or what the synapse's projection makes of it.
"""

import jax.numpy as jnp
from jax import Array

from ngcmem.synapses.projected import Projected

Pair = tuple[Array, Array]
Event = Pair | Array


def outer_mean(*pairs: Pair) -> Array:
    """The mean over the batch of the sum of pre outer post, (inputs, outputs).

    One matrix product: [a; c]^T [b; d] = a^T b + c^T d, the batch axis taken longer.
    """
    if len(pairs) == 1:
        pre, post = pairs[0]
        return pre.T @ post / pre.shape[0]
    left = jnp.concatenate([pre for pre, _ in pairs])
    right = jnp.concatenate([post for _, post in pairs]) / pairs[0][0].shape[0]
    return left.T @ right


def mean_change(projection: Projected, *events: Event) -> Array:
    """The mean over the batch of what the events change, of the shape of the weights."""
    pairs = [event for event in events if isinstance(event, tuple)]
    means = [jnp.mean(event, axis=0) for event in events if not isinstance(event, tuple)]
    means += [projection.outer_mean(*pairs)] if pairs else []
    return sum(means[1:], means[0])


def growth_and_decline(projection: Projected, *events: Event) -> Pair:
    """The means over the batch of what the events add and of what they take away, both >= 0.

    With x+ = max(x, 0) and x- = max(-x, 0), an event pre outer post adds
    pre+ outer post+ + pre- outer post- and takes away pre+ outer post- + pre- outer post+.
    """
    up: list[Event] = []
    down: list[Event] = []
    for event in events:
        if isinstance(event, tuple):
            (pre_up, pre_down), (post_up, post_down) = map(_both_sides, event)
            up += [(pre_up, post_up), (pre_down, post_down)]
            down += [(pre_up, post_down), (pre_down, post_up)]
        else:
            more, less = _both_sides(event)
            up, down = [*up, more], [*down, less]
    return mean_change(projection, *up), mean_change(projection, *down)


def _both_sides(x: Array) -> Pair:
    """max(x, 0) and max(-x, 0)."""
    return jnp.maximum(x, 0.0), jnp.maximum(-x, 0.0)
