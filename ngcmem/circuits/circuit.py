"""Circuits: components and wires, and itself a component with the same four functions."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import jax
from jax import Array

from ngcmem.circuits import _display as display
from ngcmem.circuits import _rings as rings
from ngcmem.circuits._checks import (
    as_wires,
    check_components,
    check_wires,
    execution_order,
    state_shapes,
)
from ngcmem.circuits.clock import Clock
from ngcmem.circuits.hyperparameters import hyperparameters
from ngcmem.circuits.state import CircuitState
from ngcmem.circuits.wires import Source, Wire
from ngcmem.core import (
    AnyState,
    Component,
    Role,
    Static,
    advance_example,
    evolve_batch,
    init_example,
)


class Circuit(Component[CircuitState]):
    """Components and the wires between them. Made by `connect`; nests like any component."""

    components: dict[str, Component]
    wires: Static[tuple[Wire, ...]]
    order: Static[tuple[str, ...]]
    roles: Static[tuple[Role, ...]]  # the role of every wire's target

    spoken: ClassVar[str] = "circuit"

    @property
    def parts(self) -> Mapping[str, Component]:
        return {name: self.components[name] for name in self.order}

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one.

        Raises:
            TypeError: no such field; a component is changed by its hyper-parameters' paths.
        """
        for name in changes:
            if name in self.components and name not in (*self.leaf_names, *self.static_names):
                some = next(iter(hyperparameters(self.components[name])), "tau")
                raise TypeError(
                    f"{name!r} is a component of the circuit, not a field. For another "
                    f"hyper-parameter write "
                    f"nm.with_parameters(circuit, {{'{name}.{some}': value}}), "
                    f"for another component nm.connect(...)."
                )
        return super().replace(**changes)

    @property
    def longest_dt(self) -> float:
        return min(one.longest_dt for one in (*self.components.values(), *self._sources()))

    @property
    def shortest_dt(self) -> float:
        return max(one.shortest_dt for one in (*self.components.values(), *self._sources()))

    @property
    def learns(self) -> bool:
        return any(part.learns for part in self.components.values())

    def init(self, key: Array) -> CircuitState:
        return self.init_with(init_example, key, axes=0)

    def init_with(self, init_one: Any, key: Array, axes: int) -> CircuitState:
        """As of any component; a part's key is folded in by name.

        So no part changes the noise of another.
        """
        states = {
            name: part.init_with(init_one, jax.random.fold_in(key, zlib.crc32(name.encode())), axes)
            for name, part in self.components.items()
        }
        return self._assembled(states, axes)

    def _assembled(self, states: dict[str, AnyState], axes: int) -> CircuitState:
        """The circuit's state from those of its parts; ring buffers hold present values."""
        state = CircuitState(components=states, delays={}, clock=Clock.at(0.0))
        delays = {
            name: rings.filled(source, state[source.path], axes)
            for name, source in self._buffered().items()
        }
        return state.replace(delays=delays)

    def advance_state(self, state: CircuitState, t: Array, dt: Array) -> CircuitState:
        before = state
        parts = dict(state.components)
        for learning in (False, True):
            arrivals = self._arrivals(learning)
            for name in arrivals if learning else self.order:
                with jax.named_scope(name):
                    now = state.replace(components=parts)
                    wired = arrivals.get(name, ())
                    part = parts[name].set(
                        {k: _gathered(line, before, now, dt) for k, line in wired}
                    )
                    if not learning:
                        part = advance_example(self.components[name], part, t, dt)
                    parts[name] = part
        now = state.replace(components=parts)
        delays = {
            name: rings.written(source, before.delays[name], now[source.path], before.clock, dt)
            for name, source in self._buffered().items()
        }
        return now.replace(delays=delays, clock=before.clock.after(1, dt))

    def evolve(self, state: CircuitState, t: Array, dt: Array) -> CircuitState:
        parts = {}
        for name, part in self.components.items():
            with jax.named_scope(name):
                parts[name] = evolve_batch(part, state.components[name], t, dt)
        return state.replace(components=parts)

    def weight_changes(self, state: CircuitState, t: Array, dt: Array) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, part in self.components.items():
            if part.learns:
                inner = part.weight_changes(state.components[name], t, dt)
                changes |= (
                    {f"{name}.{k}": v for k, v in inner.items()} if part.parts else {name: inner}
                )
        return changes

    def reset(self, state: CircuitState) -> CircuitState:
        states = {name: part.reset(state[name]) for name, part in self.components.items()}
        return self._assembled(states, axes=0)

    def axis_size(self, path: str, axis: str) -> Any:
        name, _, inner = path.partition(".")
        return self.components[name].axis_size(inner, axis)

    def _arrivals(self, learning: bool) -> dict[str, list[tuple[str, Wire]]]:
        """The wires into each component, before the step or before learning."""
        found: dict[str, list[tuple[str, Wire]]] = {}
        for line, role in zip(self.wires, self.roles, strict=True):
            if (role is Role.LEARNING_INPUT) == learning:
                owner, _, inner = line.target.partition(".")
                found.setdefault(owner, []).append((inner, line))
        return found

    def _buffered(self) -> dict[str, Source]:
        """The sources of several steps ago by the names of their buffers."""
        return {source.buffer_name: source for source in self._sources() if source.buffered}

    def _sources(self) -> Iterator[Source]:
        return (source for line in self.wires for source in line.sources)

    def driven(self) -> dict[str, Wire]:
        """Every wired compartment, nested ones too, with its wire."""
        found = {line.target: line for line in self.wires}
        for name, part in self.components.items():
            found |= {f"{name}.{path}": line for path, line in part.driven().items()}
        return found

    def __str__(self) -> str:
        return display.as_text(self, self.order)

    def _repr_html_(self) -> str:
        return display.as_html(self, self.order)


def _gathered(line: Wire, before: CircuitState, now: CircuitState, dt: Array) -> Any:
    """What a wire brings: the sum of its sources, each of its own step."""
    values = [source.taken(_value(source, before, now, dt)) for source in line.sources]
    return jax.tree.map(lambda *terms: sum(terms[1:], terms[0]), *values)


def _value(source: Source, before: CircuitState, now: CircuitState, dt: Array) -> Any:
    if source.buffered:
        return rings.read(source, before.delays[source.buffer_name], before.clock, dt)
    return (before if source.lags else now)[source.path]


def delayed_sources(component: Component) -> list[Source]:
    """The sources of a circuit's own wires that bring a value of an earlier step."""
    wires = component.wires if isinstance(component, Circuit) else ()
    return [source for line in wires for source in line.sources if source.lags]


def connect(components: dict[str, Component], wires: Sequence[Wire] = ()) -> Circuit:
    """Build a circuit; every mistake is found here, before anything compiles.

    Args:
        components: by name; a component may be a circuit.
        wires: made by `wire`; every one-step lag is written `delayed(...)`.

    Raises:
        WiringError: unknown names, targets that are not inputs, unequal shapes, two writers,
            undeclared loops, or a component that breaks its contract. The text names the place
            and the line to write instead.
    """
    check_components(components)
    shapes = state_shapes(components)
    lines = as_wires(wires)
    roles = check_wires(components, shapes, lines)
    order = execution_order(components, lines, roles)
    return Circuit(components=dict(components), wires=lines, order=order, roles=roles)
