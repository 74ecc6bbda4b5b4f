"""An identity that is differentiable in reverse only, and whose forward mode says what to do."""

from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

T = TypeVar("T")

MESSAGE = (
    "Streamed retrieval has no forward-mode derivative (jvp, jacfwd, linearize). Use "
    'reverse mode (grad, vjp, jacrev), or pass method="materialised" to retrieve.'
)

_tangent = Primitive("reverse_mode_only_tangent")
"""The identity on tangents: it transposes, but evaluating, compiling or batching it is an error."""


def _refuse(*_, **__):
    raise TypeError(MESSAGE)


_tangent.def_impl(_refuse)
_tangent.def_abstract_eval(lambda tangent: tangent)
mlir.register_lowering(_tangent, _refuse)
ad.deflinear(_tangent, lambda cotangent: [cotangent])
batching.primitive_batchers[_tangent] = _refuse


@jax.custom_jvp
def _guard(value: Array) -> Array:
    return value


@_guard.defjvp
def _guard_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return primals[0], _tangent.bind(tangents[0])


def reverse_mode_only(tree: T) -> T:
    """The tree itself, whose forward-mode derivative raises TypeError with `MESSAGE`."""
    return jax.tree.map(
        lambda leaf: _guard(leaf) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf,
        tree,
    )
