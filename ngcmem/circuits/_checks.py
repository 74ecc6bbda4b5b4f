"""The checks of `connect`: everything that can be wrong with a circuit, before it compiles."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ngcmem.circuits.hyperparameters import hyperparameters
from ngcmem.circuits.wires import Source, Wire
from ngcmem.core import (
    AnyState,
    Compartment,
    Component,
    Role,
    WiringError,
    advance_example,
    did_you_mean,
    evolve_batch,
    init_example,
    keeps_information,
    map_by_role,
    overlapping,
    shown_sizes,
    strong_leaves,
)

Shapes = Mapping[str, AnyState]


class Found(NamedTuple):
    """The compartment at an end of a wire."""

    spec: Compartment
    value: Any  # its shapes
    sizes: str  # as errors show them


def check_components(components: Any) -> None:
    """Names and kinds of the components.

    Raises:
        WiringError: not a dict, a name with a dot, a class in place of an instance, ...
    """
    if not isinstance(components, Mapping) or not components:
        got = "an empty dict" if components == {} else type(components).__name__
        raise WiringError(
            "connect takes a dict of components by name: connect(dict(cell=nm.LIF(units=10)), "
            f"wires=[...]), got {got}."
        )
    for name, part in components.items():
        if isinstance(part, type):
            raise WiringError(
                f"{name!r} is the class {part.__name__}, not a component: "
                f"write {name}=nm.{part.__name__}(...)."
            )
        if not isinstance(part, Component):
            raise WiringError(f"{name!r} is not a component, got {type(part).__name__}.")
        if not name.isidentifier() or name == "t":
            raise WiringError(
                f"{name!r} cannot name a component: names become paths, so write letters, digits "
                f"and underscores ('t' is the time)."
            )


def state_shapes(components: Mapping[str, Component]) -> dict[str, AnyState]:
    """The shapes of every component's state for one example; each kind is traced once.

    Raises:
        WiringError: a component whose `init` or `advance_state` breaks the contract.
    """
    kinds: dict[Any, AnyState] = {}
    shapes = {}
    for name, part in components.items():
        kind = (jax.tree.structure(part), tuple(jnp.shape(leaf) for leaf in jax.tree.leaves(part)))
        if kind not in kinds:
            kinds[kind] = _traced(part)
        shapes[name] = kinds[kind]
    return shapes


def _traced(part: Component) -> AnyState:
    """The shapes of one example's state, once `init`, `advance_state` and `evolve` are traced."""
    structure = jax.tree.structure(part)

    def dynamics(leaves: list[Any], key: jax.Array, t: jax.Array) -> tuple[Any, Any]:
        component = jax.tree.unflatten(structure, leaves)
        state = init_example(component, key)
        return state, advance_example(component, state, t, t)

    def learning(leaves: list[Any], state: AnyState, t: jax.Array) -> AnyState:
        return evolve_batch(jax.tree.unflatten(structure, leaves), state, t, t)

    def batched(role: Role, leaf: Any) -> Any:
        return jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype) if role.batched else leaf

    leaves, time = strong_leaves(part), jax.ShapeDtypeStruct((), jnp.result_type(float))
    shapes, _ = jax.eval_shape(dynamics, leaves, jax.eval_shape(lambda: jax.random.key(0)), time)
    if part.learns and not part.parts:  # a circuit's parts were looked at when it was made
        jax.eval_shape(learning, leaves, map_by_role(batched, shapes), time)
    return shapes


def as_wires(given: Any) -> tuple[Wire, ...]:
    """The wires of a list.

    Raises:
        WiringError: it is none, or holds something else.
    """
    lines = given if isinstance(given, (list, tuple)) else [given]
    for line in lines:
        if line is given or not isinstance(line, Wire):
            raise WiringError(
                f"wires is a list of wire(...), got {line!r}. "
                "Write wires=[wire('a.outputs', to='b.inputs')]."
            )
    return tuple(lines)


def check_wires(
    components: Mapping[str, Component], shapes: Shapes, wires: Sequence[Wire]
) -> tuple[Role, ...]:
    """Check every wire; return the role of each one's target.

    Raises:
        WiringError: the first wire that does not fit.
    """
    writers = {
        f"{name}.{path}": line
        for name, part in components.items()
        for path, line in part.driven().items()
    }

    def found(path: str, line: Wire) -> Found:
        """The declaration and the shapes of the compartment at a path."""
        name, _, inner = path.partition(".")
        if name not in shapes:
            raise WiringError(f"{line}: no component {name!r}." + did_you_mean(name, shapes))
        if (spec := shapes[name].spec(inner)) is None:
            raise WiringError(f"{line}: {_no_compartment(components[name], path, shapes, line)}")
        try:
            value = shapes[name][inner]
        except ValueError as error:
            raise WiringError(f"{line}: {error}") from None
        return Found(spec, value, _shown(components[name], inner, spec, value))

    roles = []
    for line in wires:
        target = found(line.target, line)
        _check_target(line, target[0])
        if other := overlapping(line.target, writers):
            raise WiringError(
                f"{line}: {line.target!r} is already driven by {writers[other]}. To add several "
                f"sources write one wire: wire('a', 'b', to={line.target!r})."
            )
        for source in line.sources:
            _check_source(line, source, found(source.path, line), target)
        writers[line.target] = line
        roles.append(target[0].role)
    return tuple(roles)


def _no_compartment(component: Component, path: str, shapes: Shapes, line: Wire) -> str:
    """What a path that names no compartment of this component was meant to be."""
    name, _, inner = path.partition(".")
    specs = shapes[name].specs()
    if not inner:
        usual = Role.INPUT if path == line.target else Role.PER_EXAMPLE
        fit = [k for k, spec in specs.items() if spec.role is usual] or [*specs]
        best = next((k for k in ("outputs", "spikes") if k in fit), fit[0])
        return f"{path!r} is a component. Name one of its compartments, such as '{name}.{best}'."
    if inner in hyperparameters(component):
        return (
            f"{path!r} is a hyper-parameter, which no wire reaches. To change it write "
            f"nm.with_parameters(circuit, {{{path!r}: value}})."
        )
    known = (f"{name}.{known}" for known in specs)
    return f"no compartment {path!r}.{did_you_mean(path, known)}"


def _check_target(line: Wire, spec: Compartment) -> None:
    if spec.role.writable:
        return
    if spec.role is not Role.BORROWED:
        owner = line.target.partition(".")[0]
        raise WiringError(
            f"{line}: {line.target!r} is {spec.role.value}: only {owner!r} itself writes it. "
            f"Wire to an Input of {owner!r} instead."
        )
    if len(line.sources) != 1 or not line.sources[0].as_it_is:
        raise WiringError(
            f"{line}: {line.target!r} is Borrowed: it takes one Shared array as it is, "
            f"wire('a.weights', to={line.target!r}), no sum, no scale, no part, no delay."
        )


def _check_source(line: Wire, source: Source, start: Found, end: Found) -> None:
    (spec, given, sizes), (target, value, wanted), path = start, end, source.path
    if target.role is Role.BORROWED and spec.role is not Role.SHARED:
        raise WiringError(
            f"{line}: {path!r} is {spec.role.value}, one per example, and {line.target!r} "
            f"is Borrowed: it takes another component's Shared array, such as its weights."
        )
    if target.role is not Role.BORROWED and not spec.role.batched:
        raise WiringError(
            f"{line}: {path!r} is {spec.role.value}, one for the whole batch, and "
            f"{line.target!r} is one per example; a wire never broadcasts. Declare the target "
            f"Borrowed[...] to read another component's Shared array."
        )
    if jax.tree.structure(given) != jax.tree.structure(value):
        raise WiringError(
            f"{line}: {path!r} and {line.target!r} have other fields: "
            f"{jax.tree.structure(given)} and {jax.tree.structure(value)}."
        )
    try:
        brought = jax.eval_shape(source.taken, given)
    except (TypeError, ValueError) as error:
        raise WiringError(f"{line}: {path!r} is {sizes}. {error}") from None
    for a, b in zip(jax.tree.leaves(brought), jax.tree.leaves(value), strict=True):
        if a.shape != b.shape:
            raise WiringError(_unequal(line, source, sizes, a, wanted, b))
        if source.ms is not None and not jnp.issubdtype(a.dtype, jnp.inexact):
            raise WiringError(
                f"{line}: {path!r} holds {a.dtype}, which has no NaN for what a time in ms does "
                f"not reach. Write the delay in steps."
            )
        if not keeps_information(a.dtype, b.dtype):
            raise WiringError(f"{line}: {path!r} holds {a.dtype}, {line.target!r} holds {b.dtype}.")


def _unequal(line: Wire, source: Source, sizes: str, a: Any, wanted: str, b: Any) -> str:
    """The error for a source and a target of other sizes, with the line that would fit."""
    whole = source.shape is None and not source.where
    taken = "" if whole else f", of which {a.shape} are taken,"
    if math.prod(a.shape) == math.prod(b.shape):
        axes = "-1" if len(b.shape) == 1 else ", ".join(map(str, b.shape))
        bare = replace(source, shape=None)
        advice = f"Give the units other axes with reshaped({bare}, {axes})."
    else:
        advice = (
            "A wire never broadcasts: make the sizes equal or put a component between them, such "
            "as nm.Dense(inputs=..., outputs=...)."
        )
    return f"{line}: {source.path!r} is {sizes}{taken} and {line.target!r} is {wanted}. {advice}"


def _shown(part: Component, path: str, spec: Compartment, value: Any) -> str:
    """The axes of a compartment with their sizes, `(units=16x16)`."""
    leaves = jax.tree.leaves(value)
    shown = shown_sizes(part, path, spec.axes, leaves[0].shape) if len(leaves) == 1 else None
    if shown is None:
        return ", ".join(str(leaf.shape) for leaf in leaves)
    return f"({shown.replace(' ', ', ')})"


def execution_order(
    components: Mapping[str, Component], wires: Sequence[Wire], roles: Sequence[Role]
) -> tuple[str, ...]:
    """The components so that every same-step wire runs forward; ties keep the order given.

    Raises:
        WiringError: same-step wires form a loop.
    """
    feeds: dict[str, dict[str, tuple[Wire, Source]]] = {name: {} for name in components}
    for line, role in zip(wires, roles, strict=True):
        for source in line.sources:
            if role is Role.INPUT and not source.lags:
                start, end = source.path.partition(".")[0], line.target.partition(".")[0]
                feeds[end].setdefault(start, (line, source))
    order: dict[str, None] = {}
    waiting = list(components)
    while waiting:
        ready = next((name for name in waiting if feeds[name].keys() <= order.keys()), None)
        if ready is None:
            raise WiringError(_loop_text(feeds, waiting))
        order[ready] = None
        waiting.remove(ready)
    return tuple(order)


def _loop_text(feeds: dict[str, dict[str, tuple[Wire, Source]]], waiting: list[str]) -> str:
    chain = [waiting[0]]
    while chain[-1] not in chain[:-1]:
        chain.append(next(start for start in feeds[chain[-1]] if start in waiting))
    loop = chain[chain.index(chain[-1]) :][::-1]
    line, source = feeds[loop[1]][loop[0]]
    return (
        f"{' -> '.join(loop)}: these wires form a loop within one step. Say which one lags, "
        f"for example wire(delayed({source.path!r}), to={line.target!r})."
    )
