"""HRR: holographic reduced representations."""

import math

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import Static, euclidean_norm
from ngcmem.vector_symbols.fhrr import unit_modulus
from ngcmem.vector_symbols.symbols import VectorSymbols


class HRR(VectorSymbols):
    """Real vectors bound by circular convolution.

        bind    z_k = sum_j x_j y_{k-j mod N}     (a product of Fourier coefficients)
        unbind  z_k = sum_j x_j y_{j-k mod N}     (with the conjugate: circular correlation)
        similarity x . y;   codes are Gaussian of variance 1 / N

    Unbinding is approximate, and costs a bundle about as much as one more pair. With `unitary`
    codes, whose Fourier coefficients all have modulus 1, it is exact: so many may be bound to each
    other. Reference: Plate (1995), doi:10.1109/72.377968.
    """

    unitary: Static[bool] = False

    def random(self, key: Array, shape: tuple[int, ...] = ()) -> Array:
        """Independent random codes, (*shape, features)."""
        drawn = jax.random.normal(key, (*shape, self.features)) / math.sqrt(self.features)
        return self.normalise(drawn) if self.unitary else drawn

    def bind(self, *vectors: Array) -> Array:
        """The circular convolution."""
        first, *others = map(self._spectrum, self._aligned("bind", *vectors))
        return self._vector(math.prod(others, start=first))

    def unbind(self, bound: Array, *factors: Array) -> Array:
        """The circular correlation with the factors."""
        first, *others = map(self._spectrum, self._aligned("unbind", bound, *factors))
        return self._vector(math.prod(map(jnp.conj, others), start=first))

    def normalise(self, vectors: Array) -> Array:
        """Length 1, or Fourier coefficients of modulus 1 where codes are unitary; 0 of 0."""
        vectors = self._checked("normalise", vectors)
        if self.unitary:
            return self._vector(unit_modulus(self._spectrum(vectors)))
        length = euclidean_norm(vectors)[..., None]
        return jnp.where(length == 0, 0, vectors / jnp.where(length == 0, 1, length))

    def as_real(self, vectors: Array) -> Array:
        """As they are."""
        return self._checked("as_real", vectors)

    def _spectrum(self, vectors: Array) -> Array:
        return jnp.fft.rfft(vectors)

    def _vector(self, spectrum: Array) -> Array:
        return jnp.fft.irfft(spectrum, self.features)
