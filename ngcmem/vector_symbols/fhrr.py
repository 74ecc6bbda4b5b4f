"""FHRR: Fourier holographic reduced representations."""

import math

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.vector_symbols.symbols import VectorSymbols


class FHRR(VectorSymbols):
    """Phasors e^{i phi} of random phases, complex numbers of modulus 1, bound by multiplication.

        bind x * y,   unbind x * conj(y),   similarity Re(x . conj(y)) / N,   normalise x / |x|

    `power` binds a code a fractional number of times with itself, which encodes a quantity: the
    similarity of x^a and x^b falls with |a - b| as sinc(a - b) for phases uniform in -pi..pi.
    References: Plate (1995), doi:10.1109/72.377968; Plate (2003), Holographic Reduced
    Representation, CSLI Publications.
    """

    def random(self, key: Array, shape: tuple[int, ...] = ()) -> Array:
        """Independent phasors of uniform phase, (*shape, features), complex."""
        phases = jax.random.uniform(key, (*shape, self.features), float, -math.pi, math.pi)
        return jax.lax.complex(jnp.cos(phases), jnp.sin(phases))

    def bind(self, *vectors: Array) -> Array:
        """The product: phases are added."""
        first, *others = self._aligned("bind", *vectors)
        return math.prod(others, start=first)

    def unbind(self, bound: Array, *factors: Array) -> Array:
        """The product with the conjugates: phases are subtracted."""
        return self.bind(bound, *(jnp.conj(factor) for factor in factors))

    def power(self, vectors: Array, exponent: float | Array) -> Array:
        """e^{i exponent phi}, phi in -pi..pi.

        Args:
            vectors: phasors, (..., features).
            exponent: () or of the shape of the vectors without its last axis.
        """
        vectors = self._checked("power", vectors)
        phases = jnp.angle(vectors)
        turned = jnp.asarray(exponent, phases.dtype)[..., None]
        turned = jnp.broadcast_to(turned, jnp.broadcast_shapes(turned.shape, phases.shape))
        phases = jnp.broadcast_to(phases, turned.shape) * turned
        return jax.lax.complex(jnp.cos(phases), jnp.sin(phases))

    def normalise(self, vectors: Array) -> Array:
        """Modulus 1 at the same phase, 0 of 0."""
        return unit_modulus(self._checked("normalise", vectors))

    def as_real(self, vectors: Array) -> Array:
        """The real parts and then the imaginary ones, divided by sqrt(N): (..., 2 features)."""
        vectors = self._checked("as_real", vectors)
        parts = jnp.concatenate([jnp.real(vectors), jnp.imag(vectors)], axis=-1)
        return parts / math.sqrt(self.features)


def unit_modulus(values: Array) -> Array:
    """z / |z|, elementwise; 0 of 0, with a derivative of 0 there."""
    some = values != 0
    safe = jnp.where(some, values, 1)
    return jnp.where(some, safe / jnp.abs(safe).astype(safe.dtype), 0)
