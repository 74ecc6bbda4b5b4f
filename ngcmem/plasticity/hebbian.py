"""Rate-based rules. pre is (batch, inputs), post (batch, outputs); each returns dWeights.

All are means over the batch, (inputs, outputs), in one matrix product.
"""

import jax.numpy as jnp
from jax import Array


def outer_mean(pre: Array, post: Array) -> Array:
    """The mean over the batch of pre outer post: one matrix product."""
    return pre.T @ post / pre.shape[0]


def hebb(pre: Array, post: Array) -> Array:
    """dW = pre outer post. Reference: Hebb (1949), The Organization of Behavior."""
    return outer_mean(pre, post)


def oja(pre: Array, post: Array, weights: Array, *, ordered: bool = True) -> Array:
    """Hebb's rule that keeps the weights of length 1.

    one unit:   dw_j = post_j (pre - post_j w_j)            Oja (1982), doi:10.1007/BF00275687
    ordered:    dw_j = post_j (pre - sum_{k <= j} post_k w_k)   Sanger (1989),
                doi:10.1016/0893-6080(89)90044-0: output j learns the j-th principal component
    """
    second = outer_mean(post, post)  # (outputs, outputs)
    second = jnp.triu(second) if ordered else jnp.diag(jnp.diag(second))
    return outer_mean(pre, post) - weights @ second


def bcm(pre: Array, post: Array, threshold: Array) -> Array:
    """dW = pre outer post (post - threshold): the sign changes at a threshold, (outputs,).

    Reference: Bienenstock, Cooper and Munro (1982), Journal of Neuroscience 2:32.
    """
    return outer_mean(pre, post * (post - threshold))
