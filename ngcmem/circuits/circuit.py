"""Circuits: components and wires, and itself a component with the same four functions."""

import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.circuits import _display as display
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
from ngcmem.core import AnyState, Component, Role, Static, did_you_mean


class Circuit(Component[CircuitState]):
    """Components and the wires between them. Made by `connect`; nests like any component."""

    components: dict[str, Component]
    wires: Static[tuple[Wire, ...]]
    order: Static[tuple[str, ...]]
    roles: Static[tuple[Role, ...]]  # the role of every wire's target

    def __getitem__(self, path: str) -> Component:
        name, _, inner = path.partition(".")
        if name not in self.components:
            raise ValueError(
                f"The circuit has no component {name!r}." + did_you_mean(name, self.components)
            )
        found = self.components[name]
        return found[inner] if inner and isinstance(found, Circuit) else found

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

    @cached_property
    def longest_dt(self) -> float:
        return min(part.longest_dt for part in self.components.values())

    @cached_property
    def shortest_dt(self) -> float:
        return max(part.shortest_dt for part in self.components.values())

    def init(self, key: Array) -> CircuitState:
        return self.assemble(
            {name: part.init(path_key(key, name)) for name, part in self.components.items()},
            batch_axes=0,
        )

    def assemble(self, states: dict[str, AnyState], batch_axes: int) -> CircuitState:
        """The circuit's state from those of its components; ring buffers hold present values."""
        state = CircuitState(components=states, delays={}, clock=Clock.at(0.0))
        sizes = {_buffer_name(source): (source, _ring(source)) for source in self._buffered()}
        delays = {
            name: jax.tree.map(
                lambda value, size=size: jnp.stack([value] * size, axis=batch_axes),
                state[source.path],
            )
            for name, (source, size) in sizes.items()
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
                    part = parts[name].set(
                        {
                            inner: _gathered(line, before, now)
                            for inner, line in arrivals.get(name, ())
                        }
                    )
                    if not learning:
                        part = self.components[name].advance_state(part, t, dt)
                    parts[name] = part
        now = state.replace(components=parts)
        delays = {}
        for source in self._buffered():
            name, slot = _buffer_name(source), before.clock.ticks % _ring(source)
            delays[name] = jax.tree.map(
                lambda buffer, value, slot=slot: buffer.at[slot].set(value),
                before.delays[name],
                now[source.path],
            )
        return now.replace(delays=delays, clock=before.clock.after(1, dt))

    def evolve(self, state: CircuitState, t: Array, dt: Array) -> CircuitState:
        parts = {}
        for name, part in self.components.items():
            with jax.named_scope(name):
                parts[name] = part.evolve(state.components[name], t, dt)
        return state.replace(components=parts)

    def weight_changes(self, state: CircuitState, t: Array, dt: Array) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for name, part in self.components.items():
            if isinstance(part, Circuit):
                inner = part.weight_changes(state[name], t, dt)
                changes |= {f"{name}.{path}": change for path, change in inner.items()}
            elif part.learns:
                changes[name] = part.weight_changes(state.components[name], t, dt)
        return changes

    def reset(self, state: CircuitState) -> CircuitState:
        return self.assemble(
            {name: part.reset(state.components[name]) for name, part in self.components.items()},
            batch_axes=0,
        )

    def _arrivals(self, learning: bool) -> dict[str, list[tuple[str, Wire]]]:
        """The wires into each component, before the step or before learning."""
        found: dict[str, list[tuple[str, Wire]]] = {}
        for line, role in zip(self.wires, self.roles, strict=True):
            if (role is Role.LEARNING_INPUT) == learning:
                owner, _, inner = line.target.partition(".")
                found.setdefault(owner, []).append((inner, line))
        return found

    def _buffered(self) -> list[Source]:
        found = {_buffer_name(s): s for line in self.wires for s in line.sources if s.delay > 1}
        return list(found.values())

    def driven(self) -> Iterator[tuple[str, str]]:
        """Every wired compartment, nested ones too, with the text of its wire."""
        for line in self.wires:
            yield line.target, str(line)
        for name, part in self.components.items():
            if isinstance(part, Circuit):
                yield from ((f"{name}.{path}", text) for path, text in part.driven())

    def __str__(self) -> str:
        return display.as_text(self, dict(self.driven()), self.order)

    def _repr_html_(self) -> str:
        return display.as_html(self, dict(self.driven()), self.order)


def _gathered(line: Wire, before: CircuitState, now: CircuitState) -> Any:
    """What a wire brings: its sources, each of its own step, added or subtracted."""
    values = [_value(source, before, now) for source in line.sources]
    return jax.tree.map(lambda *terms: sum(terms[1:], terms[0]), *values)


def _value(source: Source, before: CircuitState, now: CircuitState) -> Any:
    if source.delay > 1:
        slot = (before.clock.ticks - source.delay) % _ring(source)
        value = jax.tree.map(lambda kept: kept[slot], before.delays[_buffer_name(source)])
    else:
        value = (before if source.delay else now)[source.path]
    return value if source.sign > 0 else jax.tree.map(jnp.negative, value)


def _ring(source: Source) -> int:
    """The size of a ring buffer: a power of two, so that ticks may go round at 2^32."""
    return 1 << (source.delay - 1).bit_length()


def _buffer_name(source: Source) -> str:
    """The name of a ring buffer in `CircuitState.delays`."""
    return f"{source.path} {source.delay}"


def path_key(key: Array, name: str) -> Array:
    """A component's random key: folded in by name, so no component changes another's noise."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


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
    return Circuit(
        components=dict(components),
        wires=lines,
        order=execution_order(components, lines, roles),
        roles=roles,
    )
