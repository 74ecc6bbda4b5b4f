"""MAP: multiply, add, permute."""

import math

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.vector_symbols.symbols import VectorSymbols


class MAP(VectorSymbols):
    """Vectors of +1 and -1, bound by multiplication.

        bind x * y,   unbind x * y,   similarity x . y / N,   normalise sgn

    A code is its own inverse. The signs of a sum of an even number of codes have ties: `normalise`
    leaves 0 there. Reference: Gayler (1998), Multiplicative binding, representation operators and
    analogy, in Advances in Analogy Research.
    """

    def random(self, key: Array, shape: tuple[int, ...] = ()) -> Array:
        """Independent random signs, (*shape, features)."""
        return jax.random.rademacher(key, (*shape, self.features), float)

    def bind(self, *vectors: Array) -> Array:
        """The product."""
        first, *others = self._aligned("bind", *vectors)
        return math.prod(others, start=first)

    def unbind(self, bound: Array, *factors: Array) -> Array:
        """The product with the factors, which are their own inverses."""
        return self.bind(bound, *factors)

    def normalise(self, vectors: Array) -> Array:
        """The signs, 0 of 0."""
        return jnp.sign(self._checked("normalise", vectors))

    def as_real(self, vectors: Array) -> Array:
        """Divided by sqrt(N)."""
        return self._checked("as_real", vectors) / math.sqrt(self.features)
