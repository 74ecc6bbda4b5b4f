"""What the families of vector symbols have in common."""

import abc
from typing import Any

import jax.numpy as jnp
from jax import Array

from ngcmem.core import Pytree, Static
from ngcmem.retrieval import Separation, retrieve_batch


class VectorSymbols(Pytree, abc.ABC):
    """A family of vector symbols: random codes, and the operations that make one of several.

        bind     one vector for several that belong together, like none of them
        unbind   a factor taken out of a bound vector again
        bundle   one vector for a set, like each of them
        permute  another code for the same thing in another place

    Vectors are the last axis of an array, `features` long; axes before it are broadcast. All are
    pure functions. Review: Kleyko, Rachkovskij, Osipov and Rahimi (2022), doi:10.1145/3538531.

    Raises:
        ValueError: `features` below 1; in an operation, vectors or a codebook of another width, or
            no vector at all.
    """

    features: Static[int]

    @abc.abstractmethod
    def random(self, key: Array, shape: tuple[int, ...] = ()) -> Array:
        """Independent random codes, (*shape, features)."""

    @abc.abstractmethod
    def bind(self, *vectors: Array) -> Array:
        """The vectors bound to each other, in any order."""

    @abc.abstractmethod
    def unbind(self, bound: Array, *factors: Array) -> Array:
        """What the factors were bound to."""

    @abc.abstractmethod
    def normalise(self, vectors: Array) -> Array:
        """The nearest vectors of the form that codes have."""

    @abc.abstractmethod
    def as_real(self, vectors: Array) -> Array:
        """Real vectors whose dot product is the similarity, for any memory of real patterns."""

    def bundle(self, vectors: Array) -> Array:
        """The sum over the axis before the last, not normalised."""
        return jnp.sum(self._checked("bundle", vectors), axis=-2)

    def permute(self, vectors: Array, shift: int = 1) -> Array:
        """The vectors turned by so many features; a negative shift turns them back."""
        return jnp.roll(self._checked("permute", vectors), shift, axis=-1)

    def similarity(self, first: Array, second: Array) -> Array:
        """1 of a code with itself, about 0 of two random codes."""
        first, second = self._aligned("similarity", first, second)
        return jnp.sum(self.as_real(first) * self.as_real(second), axis=-1)

    def similarities(self, vectors: Array, codebook: Array) -> Array:
        """Of vectors (..., features) with every entry of a codebook (entries, features)."""
        self._check_codebook("similarities", codebook)
        vectors = self._checked("similarities", vectors)
        return self.as_real(vectors) @ self.as_real(codebook).T

    def nearest(self, noisy: Array, codebook: Array) -> Array:
        """The number of the most similar entry of a codebook (entries, features), int32."""
        return jnp.argmax(self.similarities(noisy, codebook), axis=-1).astype(jnp.int32)

    def cleanup(
        self,
        noisy: Array,
        codebook: Array,
        *,
        separation: str | Separation = "max",
        beta: Array | float = 1.0,
    ) -> Array:
        """Entries of a codebook weighted by how like they are; by default the most similar one.

        Args:
            noisy: (..., features).
            codebook: (entries, features).
            separation: from similarities to weights, a name or an `nm.retrieval.Separation`.
            beta: the inverse temperature of a soft separation.

        Raises:
            ValueError: vectors or a codebook of another width, or an unknown separation.
        """
        self._check_codebook("cleanup", codebook)
        noisy = self._checked("cleanup", noisy)
        flat = self.as_real(noisy).reshape(-1, self.as_real(codebook).shape[-1])
        found = retrieve_batch(
            flat,
            self.as_real(codebook),
            similarity="dot",
            separation=separation,
            beta=beta,
            method="materialised",
        )
        assert found.weights is not None  # as asked for
        return (found.weights.astype(codebook.dtype) @ codebook).reshape(noisy.shape)

    def _checked(self, operation: str, vectors: Any) -> Array:
        vectors = jnp.asarray(vectors)
        if vectors.ndim == 0 or vectors.shape[-1] != self.features:
            raise ValueError(
                f"{type(self).__name__}.{operation}: vectors are (..., {self.features}), got "
                f"{vectors.shape}. Draw them with symbols.random(key, shape)."
            )
        return vectors

    def _check_codebook(self, operation: str, codebook: Any) -> None:
        if jnp.ndim(codebook) != 2 or jnp.shape(codebook)[1] != self.features:
            raise ValueError(
                f"{type(self).__name__}.{operation}: codebook is (entries, {self.features}), got "
                f"{jnp.shape(codebook)}. Write symbols.random(key, (entries,))."
            )

    def _aligned(self, operation: str, *vectors: Any) -> list[Array]:
        """The vectors, broadcast to one shape."""
        if not vectors:
            raise ValueError(f"{type(self).__name__}.{operation}: give at least one vector.")
        checked = [self._checked(operation, one) for one in vectors]
        shape = jnp.broadcast_shapes(*(one.shape for one in checked))
        return [jnp.broadcast_to(one, shape) for one in checked]
