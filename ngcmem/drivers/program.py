"""Calling compiled programs with little in between.

`jax.jit` takes its arguments apart and puts its result together at every call, in Python for every
component and state in them. Here a component's leaves are kept with it, a state is taken apart
once and put together once, and only what the program computed leaves it.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from ngcmem.core import (
    NUMBERS,
    Component,
    Pytree,
    Static,
    check_state,
    default_float,
    strong_leaves,
)

C = TypeVar("C", bound=Component)


class Program:
    """A jitted `function(component, state, *arguments, **options) -> (state, seen)`.

    Args:
        function: returns a state of the structure it was given, and anything else. It is called
            with a state of the component's own, or not at all.
        options: the names of its static keyword arguments.
    """

    def __init__(self, function: Callable[..., tuple[Any, Any]], options: tuple[str, ...] = ()):
        def program(
            parts: Any, leaves: Any, arguments: Any, *, structures: Any, whole: bool, **options: Any
        ) -> tuple[Any, Any]:
            component, state = map(jax.tree.unflatten, structures, (parts, leaves))
            check_state(component, state)
            new, seen = function(component, state, *arguments, **options)
            return _changed([] if whole else [*leaves, *_arrays(arguments)], new), seen

        program.__name__ = function.__name__  # what profiles show
        static = ("structures", "whole", *options)
        self._jitted = jax.jit(program, static_argnames=static)
        self._donating = jax.jit(program, static_argnames=static, donate_argnums=1)

    def __call__(
        self, component: Any, state: Any, *arguments: Any, donate: bool = False, **options: Any
    ) -> tuple[Any, Any]:
        """The new state, and what else the function returns.

        Floats among the arguments become strongly typed, so that other values compile nothing.
        `donate` lets the memory of the state be reused, but for what the arguments share with it.
        """
        leaves, structure = jax.tree.flatten(state)
        traced = bool(leaves) and isinstance(leaves[0], Tracer)
        parts, kind = form(component, traced)
        arguments = tuple([_number(x, traced) if type(x) is float else x for x in arguments])
        if donate:  # copies of what stands twice or is needed elsewhere in the call
            taken = {id(leaf) for leaf in jax.tree.leaves((parts, arguments))}
            for i, leaf in enumerate(leaves):
                leaves[i] = jnp.copy(leaf) if id(leaf) in taken else leaf
                taken.add(id(leaf))
        run = self._donating if donate else self._jitted
        structures = (kind, structure)
        changes, seen = run(
            parts, leaves, arguments, structures=structures, whole=donate, **options
        )
        if max(changes.places, default=-1) >= len(leaves):
            leaves += _arrays(arguments)
        computed = iter(changes.computed)
        merged = [next(computed) if place < 0 else leaves[place] for place in changes.places]
        return jax.tree.unflatten(structure, merged), seen


class _Changes(Pytree):
    """The leaves of a new state: which of the given arrays each is, or -1 and the leaf itself.

    To return a given array would copy it: for weights at rest, more work than the step itself.
    To return every leaf that its role lets a verb change costs a memory of 16 slots 1.4 times the
    call, 31 components 1.3, and a circuit that borrows 784 x 2048 weights 2.1 times
    (`benchmarks/calls.py`): Inputs and Borrowed arrays mostly stay as they are.
    """

    places: Static[tuple[int, ...]]
    computed: list[Any]


def _changed(given: list[Any], new: Any) -> _Changes:
    where = {id(leaf): i for i, leaf in enumerate(given)}
    leaves = jax.tree.leaves(new)
    places = tuple(where.get(id(leaf), -1) for leaf in leaves)
    computed = [leaf for leaf, place in zip(leaves, places, strict=True) if place < 0]
    return _Changes(places=places, computed=computed)


def _arrays(arguments: Any) -> list[Any]:
    """Not the scalars: numbers kept for many calls stay out of states, which may be donated."""
    return [leaf for leaf in jax.tree.leaves(arguments) if leaf.ndim > 0]


def _number(value: float, traced: bool) -> Any:
    return np.asarray(value, default_float()) if traced else _on_device(value, default_float())


@lru_cache(maxsize=64)
def _on_device(value: float, kind: Any) -> jax.Array:
    """A number (dt, t) as it was transferred before: without, a call of 31 components takes 1.11
    times as long and `run` of 99 takes 1.26 (`benchmarks/calls.py`)."""
    with jax.ensure_compile_time_eval():
        return jax.device_put(np.asarray(value, kind))


class _Form(NamedTuple):
    """A component taken apart: strongly typed leaves, and the rest."""

    leaves: list[Any]
    structure: Any


def form(component: Component, traced: bool = False) -> _Form:
    """The component's hyper-parameters with every scalar a strongly typed float.

    `beta=10`, `10.0`, a NumPy or a jax scalar then share one compilation. `traced` calls get NumPy
    constants; for all others the numbers become arrays on the device once and stay with the
    (immutable) component, which is the one thing kept in it that is not a field: a call of a memory
    of 16 slots takes 1.31 times as long without it, one of 31 components 1.71
    (`benchmarks/calls.py`).

    Raises:
        TypeError: a hyper-parameter that is not a number.
    """
    kind = default_float()
    made_for, host, device = component.__dict__.get(" form", (None, None, None))
    if made_for is not kind:
        leaves, structure = jax.tree.flatten(component)
        lasting = all(_never_changes(leaf) for leaf in leaves)
        # What is kept may first be asked for inside a trace, and must not belong to it.
        with jax.ensure_compile_time_eval() if lasting else nullcontext():
            host = _Form(strong_leaves(component), structure)
        if not lasting:
            return host
        with jax.ensure_compile_time_eval():
            device = _Form([jax.device_put(leaf) for leaf in host.leaves], structure)
        object.__setattr__(component, " form", (kind, host, device))
    return host if traced else device


def canonical(component: C) -> C:
    """The component made of `form(component)`."""
    leaves, structure = form(component)
    return jax.tree.unflatten(structure, leaves)


def _never_changes(leaf: Any) -> bool:
    """Tracers belong to one trace, and NumPy arrays may be written to."""
    concrete = isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer)
    return concrete or isinstance(leaf, NUMBERS)
