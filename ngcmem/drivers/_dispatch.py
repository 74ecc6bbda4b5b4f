"""Calling compiled programs with little in between.

`jax.jit` takes its arguments apart and puts its result together at every call, in Python for every
component and state in them. Here a component's leaves are kept with it, a state is taken apart
once and put together once, and only what the program computed leaves it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ngcmem.core import default_float, spoiled
from ngcmem.drivers._changes import changed, merged
from ngcmem.drivers.canonical import form


class Program:
    """A jitted `function(component, state, *arguments, **options) -> (state, seen)`.

    Args:
        function: returns a state of the structure it was given, and anything else.
        options: the names of its static keyword arguments.
    """

    def __init__(self, function: Callable[..., tuple[Any, Any]], options: tuple[str, ...] = ()):
        static = ("structures", "whole", *options)
        self._jitted = jax.jit(_flat(function), static_argnames=static)
        self._donating = jax.jit(_flat(function), static_argnames=static, donate_argnums=1)

    def __call__(
        self, component: Any, state: Any, *arguments: Any, donate: bool = False, **options: Any
    ) -> tuple[Any, Any]:
        """The new state, and what else the function returns.

        Floats among the arguments become strongly typed, so that other values compile nothing.
        `donate` lets the memory of the state be reused, but for what the arguments share with it.
        """
        leaves, structure = jax.tree.flatten(state)
        traced = bool(leaves) and isinstance(leaves[0], Tracer)
        parts, kind, within = form(component, traced)
        arguments = tuple([_number(x, traced) if type(x) is float else x for x in arguments])
        run = self._donating if donate else self._jitted
        if donate:
            leaves = _owned(leaves, (parts, arguments))
        structures = (kind, structure)
        changes, seen = run(
            parts, leaves, arguments, structures=structures, whole=donate, **options
        )
        if within is not None:
            changes, seen = spoiled(within, (changes, seen))
        return jax.tree.unflatten(structure, merged(leaves, arguments, changes)), seen


def _flat(function: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
    """`function` of flat lists of leaves; `whole` returns every leaf, inputs too."""

    def program(
        parts: list[Any],
        leaves: list[Any],
        arguments: tuple[Any, ...],
        *,
        structures: tuple[Any, Any],
        whole: bool,
        **options: Any,
    ) -> tuple[Any, Any]:
        component = jax.tree.unflatten(structures[0], parts)
        state = jax.tree.unflatten(structures[1], leaves)
        new, seen = function(component, state, *arguments, **options)
        if whole:
            return changed([], (), new), seen
        return changed(leaves, arguments, new), seen

    program.__name__ = function.__name__  # what profiles show
    return program


def _owned(leaves: list[Any], others: Any) -> list[Any]:
    """The leaves, with copies of those that stand twice or are needed elsewhere in the call."""
    taken = {id(leaf) for leaf in jax.tree.leaves(others)}
    owned = []
    for leaf in leaves:
        owned.append(jnp.copy(leaf) if id(leaf) in taken else leaf)
        taken.add(id(leaf))
    return owned


def _number(value: float, traced: bool) -> Any:
    return np.asarray(value, default_float()) if traced else _on_device(value, default_float())


@lru_cache(maxsize=64)
def _on_device(value: float, kind: Any) -> jax.Array:
    with jax.ensure_compile_time_eval():
        return jax.device_put(np.asarray(value, kind))
