"""The checks of `connect`: everything that can be wrong with a circuit, before it compiles."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ngcmem.circuits._hints import no_compartment
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
    strong_leaves,
)

Shapes = Mapping[str, AnyState]


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
    roles = []
    for line in wires:
        spec, value = _resolve(components, shapes, line.target, line)
        _check_target(line, spec)
        if other := overlapping(line.target, writers):
            raise WiringError(
                f"{line}: {line.target!r} is already driven by {writers[other]}. To add several "
                f"sources write one wire: wire('a', 'b', to={line.target!r})."
            )
        for source in line.sources:
            _check_source(components, shapes, line, source, spec, value)
        writers[line.target] = line
        roles.append(spec.role)
    return tuple(roles)


def _resolve(
    components: Mapping[str, Component], shapes: Shapes, path: str, line: Wire
) -> tuple[Compartment, Any]:
    name, _, inner = path.partition(".")
    if name not in shapes:
        raise WiringError(f"{line}: no component {name!r}." + did_you_mean(name, shapes))
    found = shapes[name].spec(inner)
    if found is None:
        raise WiringError(
            f"{line}: {no_compartment(components[name], path, shapes[name].specs(), line)}"
        )
    try:
        return found, shapes[name][inner]
    except ValueError as error:
        raise WiringError(f"{line}: {error}") from None


def _check_target(line: Wire, spec: Compartment) -> None:
    if spec.role.writable:
        return
    if spec.role is not Role.BORROWED:
        owner = line.target.partition(".")[0]
        raise WiringError(
            f"{line}: {line.target!r} is {spec.role.value}: only {owner!r} itself writes it. "
            f"Wire to an Input of {owner!r} instead."
        )
    if len(line.sources) != 1 or line.sources[0].sign < 0 or line.sources[0].delay:
        raise WiringError(
            f"{line}: {line.target!r} is Borrowed: it takes one Shared array as it is, "
            f"wire('a.weights', to={line.target!r}), no sum, no sign, no delay."
        )


def _check_source(
    components: Mapping[str, Component],
    shapes: Shapes,
    line: Wire,
    source: Source,
    target: Compartment,
    value: Any,
) -> None:
    spec, given = _resolve(components, shapes, source.path, line)
    if target.role is Role.BORROWED and spec.role is not Role.SHARED:
        raise WiringError(
            f"{line}: {source.path!r} is {spec.role.value}, one per example, and {line.target!r} "
            f"is Borrowed: it takes another component's Shared array, such as its weights."
        )
    if target.role is not Role.BORROWED and not spec.role.batched:
        raise WiringError(
            f"{line}: {source.path!r} is {spec.role.value}, one for the whole batch, and "
            f"{line.target!r} is one per example; a wire never broadcasts. Declare the target "
            f"Borrowed[...] to read another component's Shared array."
        )
    if jax.tree.structure(given) != jax.tree.structure(value):
        raise WiringError(
            f"{line}: {source.path!r} and {line.target!r} have other fields: "
            f"{jax.tree.structure(given)} and {jax.tree.structure(value)}."
        )
    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(value), strict=True):
        if a.shape != b.shape:
            raise WiringError(
                f"{line}: {source.path!r} is {_named(spec, a)} and {line.target!r} is "
                f"{_named(target, b)}. A wire never broadcasts: make the sizes equal or put a "
                f"component between them, such as nm.Dense(inputs=..., outputs=...)."
            )
        if not keeps_information(a.dtype, b.dtype):
            raise WiringError(
                f"{line}: {source.path!r} holds {a.dtype}, {line.target!r} holds {b.dtype}."
            )


def _named(spec: Compartment, leaf: Any) -> str:
    if len(spec.axes) != leaf.ndim:
        return str(leaf.shape)
    named = (f"{axis}={size}" for axis, size in zip(spec.axes, leaf.shape, strict=True))
    return f"({', '.join(named)})"


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
            if role is Role.INPUT and not source.delay:
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
