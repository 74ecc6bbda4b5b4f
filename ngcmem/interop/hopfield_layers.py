"""Hopfield retrieval with learned projections as layers of a Flax network.

Reference: Ramsauer et al. (2021), Hopfield networks is all you need, arXiv:2008.02217; its three
layers Hopfield, HopfieldPooling and HopfieldLayer are here `HopfieldRetrieval`, `HopfieldPooling`
and `HopfieldLookup`.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core import check_whole
from ngcmem.retrieval import Separation, resolve_separation, retrieve_batch


class HopfieldRetrieval(nnx.Module):
    """Every query retrieves from a set of stored patterns, in several heads.

        xi = R W_Q,   K = Y W_K,   V = Y W_V                        (one head)
        xi <- p(beta xi K') K                                       (steps - 1 times)
        Z = p(beta xi K') V W_O                                     (heads side by side)

    with queries R (L, d), stored patterns Y (S, d) and the separation p, the softmax by default:
    then one step is multi-head attention, and more steps settle into the pattern that is met. All
    projections have a bias.

    Args:
        features: d of the queries and of the outputs.
        stored_features: of the stored patterns; d by default.
        heads: the number of heads.
        head_features: of a head, the width of the space in which patterns are compared;
            `features // heads` by default.
        beta: inverse temperature; 1 / sqrt(head_features) by default.
        train_beta: whether beta is an `nnx.Param`, else it stays.
        steps: of retrieval.
        separation: a name or instance of `nm.retrieval`, such as "sparsemax".
        rngs: for the projections, its stream `params`.

    Raises:
        ValueError: counts that are no whole numbers of at least 1, or heads that do not divide
            the features.
    """

    def __init__(
        self,
        features: int,
        *,
        stored_features: int | None = None,
        heads: int = 1,
        head_features: int | None = None,
        beta: float | None = None,
        train_beta: bool = False,
        steps: int = 1,
        separation: str | Separation = "softmax",
        rngs: nnx.Rngs,
    ):
        place = type(self).__name__
        features = check_whole(f"{place}: features", features)
        self.heads, self.steps = (
            check_whole(f"{place}: {name}", value)
            for name, value in (("heads", heads), ("steps", steps))
        )
        if head_features is None:
            if features % self.heads:
                raise ValueError(
                    f"{place}: features={features} are not a multiple of heads={heads}; give "
                    f"head_features=."
                )
            head_features = features // self.heads
        width = self.heads * check_whole(f"{place}: head_features", head_features)
        of_stored = features if stored_features is None else stored_features
        self.separation = nnx.data(resolve_separation(separation))
        self.query = nnx.Linear(features, width, rngs=rngs)
        self.key = nnx.Linear(of_stored, width, rngs=rngs)
        self.value = nnx.Linear(of_stored, width, rngs=rngs)
        self.out = nnx.Linear(width, features, rngs=rngs)
        start = head_features**-0.5 if beta is None else beta
        self.beta = (nnx.Param if train_beta else nnx.Variable)(jnp.asarray(start, float))

    def __call__(self, queries: Array, stored: Array, *, used: ArrayLike | None = None) -> Array:
        """Retrieve.

        Args:
            queries: (..., L, features).
            stored: (..., S, stored_features), with the same leading axes.
            used: (..., S), true for patterns that take part; all if None. What the others hold
                does not count. With none in use a query retrieves W_O's bias.

        Returns:
            (..., L, features).

        Raises:
            ValueError: shapes that do not fit.
        """
        leading = queries.shape[:-2]
        if stored.ndim != queries.ndim or stored.shape[:-2] != leading or queries.ndim < 2:
            raise ValueError(
                f"{type(self).__name__}: queries (..., L, features) and stored patterns "
                f"(..., S, features) have the same leading axes, got {queries.shape} and "
                f"{stored.shape}."
            )
        counts = jnp.full(leading, stored.shape[-2])
        if used is not None:
            used = jnp.asarray(used).astype(bool)
            if used.shape != stored.shape[:-1]:
                raise ValueError(
                    f"{type(self).__name__}: used has shape {used.shape}, expected "
                    f"{stored.shape[:-1]}, one for every stored pattern."
                )
            counts = used.sum(-1)
            # No separation depends on the order of the slots: those in use come first.
            order = jnp.argsort(~used, axis=-1, stable=True)
            stored = jnp.take_along_axis(stored, order[..., None], axis=-2)
            stored = jnp.where(jnp.sort(used, axis=-1)[..., ::-1, None], stored, 0.0)
        separation, beta = self.separation, self.beta.get_value()

        def head(query: Array, key: Array, value: Array, count: Array) -> Array:
            for step in range(self.steps):
                last = step == self.steps - 1
                query = retrieve_batch(
                    query,
                    key,
                    values=value if last else key,
                    count=None if used is None else count,
                    similarity="dot",
                    separation=separation,
                    beta=beta,
                    method="materialised",
                ).outputs
            return query

        over_heads = jax.vmap(head, in_axes=(1, 1, 1, None), out_axes=1)

        def apart(project: nnx.Linear, x: Array) -> Array:
            width = project.out_features // self.heads
            return project(x).reshape(-1, x.shape[-2], self.heads, width)

        parts = apart(self.query, queries), apart(self.key, stored), apart(self.value, stored)
        found = jax.vmap(over_heads)(*parts, counts.reshape(-1))
        return self.out(found.reshape(*queries.shape[:-1], -1))


class HopfieldPooling(HopfieldRetrieval):
    """A set of patterns to a fixed number of vectors: learned queries retrieve from the set.

    The queries are a parameter (`queries`, normal with deviation .02); all else is as in
    `HopfieldRetrieval`. For multiple-instance learning the set is a bag.

    Args:
        features: of the queries and outputs.
        count: the number of queries.
        options: of `HopfieldRetrieval`.
    """

    def __init__(self, features: int, *, count: int = 1, rngs: nnx.Rngs, **options: object):
        super().__init__(features, rngs=rngs, **options)  # pyright: ignore[reportArgumentType]
        count = check_whole("HopfieldPooling: count", count)
        self.queries = nnx.Param(0.02 * jax.random.normal(rngs.params(), (count, features)))

    def __call__(self, stored: Array, *, used: ArrayLike | None = None) -> Array:  # pyright: ignore
        """(..., S, stored_features), a set of patterns, to (..., count, features)."""
        queries = self.queries.get_value()
        queries = jnp.broadcast_to(queries, (*stored.shape[:-2], *queries.shape))
        return super().__call__(queries, stored, used=used)


class HopfieldLookup(HopfieldRetrieval):
    """Queries retrieve from learned patterns: a memory that training fills.

    The stored patterns are a parameter (`stored`, normal with deviation .02); all else is as in
    `HopfieldRetrieval`.

    Args:
        features: of the queries and outputs.
        slots: the number of stored patterns.
        options: of `HopfieldRetrieval`.
    """

    def __init__(self, features: int, *, slots: int, rngs: nnx.Rngs, **options: object):
        super().__init__(features, rngs=rngs, **options)  # pyright: ignore[reportArgumentType]
        slots = check_whole("HopfieldLookup: slots", slots)
        width = self.key.in_features
        self.stored = nnx.Param(0.02 * jax.random.normal(rngs.params(), (slots, width)))

    def __call__(self, queries: Array) -> Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(..., L, features) to (..., L, features)."""
        stored = self.stored.get_value()
        stored = jnp.broadcast_to(stored, (*queries.shape[:-2], *stored.shape))
        return super().__call__(queries, stored)
