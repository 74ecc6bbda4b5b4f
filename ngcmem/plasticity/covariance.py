"""One step of recursive least squares whose covariance cannot wind up."""

import jax.numpy as jnp
from jax import Array, lax


def covariance_step(
    covariance: Array, key: Array, retained: Array | float, limit: Array | float
) -> tuple[Array, Array]:
    """The gain of a key, and the covariance P after it; with x = k^T P k and r `retained`,

        exponential   gain P k / (r + x),   P <- (P - P k k^T P / (r + x)) / r
        directional   gain P k / (1 + x),   P <- P - P k k^T P (r x - (1 - r)) / (r x (1 + x))
        none          gain P k / (1 + x),   P <- P - P k k^T P / (1 + x)

    Exponential forgetting divides P by r in every direction and takes back only where a key came:
    keys of one direction, or none, wind it up until it overflows. So the first form is taken that
    leaves trace(P) at most `limit`: directional forgetting gives up only what is known of the
    key's own direction, which goes on following the values; the last forgets nothing. A key of
    zeros changes nothing. References: Kulhavy (1987), Automatica 23, 589; Bittanti, Bolzern and
    Campi (1990), Automatica 26, 929, for the directional form; Astrom and Wittenmark (1995),
    Adaptive Control, section 11.5, for wind-up and the bound on the trace.

    Args:
        covariance: (d, d), symmetric.
        key: (d,).
        retained: what is kept of the past, above 0 and at most 1.
        limit: the largest trace.
    """
    came = jnp.any(key != 0)
    size = jnp.where(came, lax.stop_gradient(jnp.max(jnp.abs(key))), 1)
    unit = key / size  # P k k^T P / x does not depend on the size of k: no square of it is needed
    reach = covariance @ unit
    along = unit @ reach
    some = along > 0  # else 0 or, by rounding alone, below
    along = jnp.where(some, along, 0)
    outer = reach[:, None] * reach[None]
    x = size**2 * along
    none = covariance - size**2 / (1 + x) * outer
    share = (retained * x - (1 - retained)) / (retained * jnp.where(some, along, 1) * (1 + x))
    directional = covariance - jnp.where(some, share, 0) * outer
    exponential = (covariance - size**2 / (retained + x) * outer) / retained
    whole, narrow = (jnp.trace(p) <= limit for p in (exponential, directional))
    gain = size * reach / jnp.where(whole, retained + x, 1 + x)
    after = jnp.where(whole, exponential, jnp.where(narrow, directional, none))
    return jnp.where(came, gain, 0), jnp.where(came, after, covariance)
