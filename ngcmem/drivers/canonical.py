"""The hyper-parameters of a component as the verbs pass them to compiled programs."""

from contextlib import nullcontext
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ngcmem.core import Component, default_float, held_to_domains, is_key

C = TypeVar("C", bound=Component)

_KEPT = " form"  # where an instance keeps its hyper-parameters as arrays


class _Form(NamedTuple):
    """A component taken apart: strongly typed leaves, and the rest."""

    leaves: list[Any]
    structure: Any
    within: Any = None  # () bool if hyper-parameters are traced: whether all lie in their domains


class _Kept(NamedTuple):
    kind: Any
    host: _Form
    device: _Form


def form(component: Component, traced: bool = False) -> _Form:
    """The component's hyper-parameters with every scalar a strongly typed float.

    `beta=10`, `10.0`, a NumPy or a jax scalar then share one compilation. Numbers become arrays on
    the device once and stay with the component: passed from the host they would be transferred at
    every call, two microseconds each. `traced` calls get NumPy constants instead.

    Raises:
        TypeError: a hyper-parameter that is not a number.
        ValueError: one that is out of its domain, where no constructor has looked at it.
    """
    kind = default_float()
    kept = getattr(component, _KEPT, None)
    if kept is None or kept.kind is not kind:
        leaves, structure = jax.tree.flatten(component)
        lasting = all(_never_changes(leaf) for leaf in leaves)
        # What is kept may first be asked for inside a trace, and must not belong to it.
        with jax.ensure_compile_time_eval() if lasting else nullcontext():
            leaves, within = held_to_domains(component, leaves)
            host = _Form([_as_float(leaf, kind) for leaf in leaves], structure, within)
        if any(leaf is None for leaf in host.leaves):
            raise TypeError(_not_a_number(component))
        if not lasting:
            return host
        with jax.ensure_compile_time_eval():
            device = _Form([jax.device_put(leaf) for leaf in host.leaves], structure)
        kept = _Kept(kind, host, device)
        object.__setattr__(component, _KEPT, kept)
    return kept.host if traced else kept.device


def canonical(component: C) -> C:
    """The component made of `form(component)`."""
    leaves, structure, _ = form(component)
    return jax.tree.unflatten(structure, leaves)


_NUMBERS = (bool, int, float, np.number, np.bool_)


def _never_changes(leaf: Any) -> bool:
    """Tracers belong to one trace, and NumPy arrays may be written to."""
    concrete = isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer)
    return concrete or isinstance(leaf, _NUMBERS)


def _as_float(leaf: Any, kind: Any) -> Any:
    if isinstance(leaf, _NUMBERS):
        return np.asarray(leaf, kind)
    if isinstance(leaf, (np.ndarray, jax.Array)):
        if leaf.dtype == kind and not getattr(leaf, "weak_type", False):
            return leaf
        scalar = leaf.ndim == 0 and not is_key(leaf)
        return leaf.astype(kind) if scalar or jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
    return None


def _not_a_number(component: Component) -> str:
    for path, leaf in jax.tree_util.tree_flatten_with_path(component)[0]:
        if _as_float(leaf, np.float32) is None:
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            return (
                f"The hyper-parameter {name} is a number or an array, got {leaf!r}. In a "
                f"component of your own, declare what is not a number as {name}: Static[...]."
            )
    return "A hyper-parameter is not a number."
