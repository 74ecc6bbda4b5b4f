"""The state of a circuit: the states of its parts, by path."""

from typing import Any, Self

import jax
from jax import Array

from ngcmem.circuits.clock import Clock
from ngcmem.core import AnyState, Compartment, Role, did_you_mean


class CircuitState(AnyState):
    """The states of a circuit's components, read and changed by path: `state["cell.v"]`."""

    components: dict[str, AnyState]
    delays: dict[str, Any]  # per example: ring buffers of delayed(...), (steps, ...)
    clock: Clock

    @property
    def own_clock(self) -> Clock:
        return self.clock

    @property
    def t(self) -> Array:
        """The time now, ms."""
        return self.clock.t

    def specs(self) -> dict[str, Compartment]:
        return {
            f"{name}.{path}": spec
            for name, state in self.components.items()
            for path, spec in state.specs().items()
        }

    def spec(self, path: str) -> Compartment | None:
        name, _, inner = path.partition(".")
        return self.components[name].spec(inner) if name in self.components else None

    def leaf_roles(self) -> list[Role]:
        roles = [r for name in sorted(self.components) for r in self.components[name].leaf_roles()]
        roles += [Role.PER_EXAMPLE] * len(jax.tree.leaves(self.delays))
        return roles + [Role.CLOCK] * len(jax.tree.leaves(self.clock))

    def _state(self, name: str) -> AnyState:
        if name not in self.components:
            raise ValueError(
                f"The circuit has no component {name!r}." + did_you_mean(name, self.components)
            )
        return self.components[name]

    def __getitem__(self, path: str) -> Any:
        if path == "t":
            return self.t
        name, _, inner = path.partition(".")
        state = self._state(name)
        return state[inner] if inner else state

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed.

        Raises:
            TypeError: no such field; the state of a component is changed by `set`.
        """
        for name in changes:
            if name in self.components and name not in self.leaf_names:
                raise TypeError(
                    f"{name!r} is a component of the circuit, not a field of its state: write "
                    f"state.set({{{name!r}: ...}})."
                )
        return super().replace(**changes)

    def set(self, changes: dict[str, Any]) -> Self:
        """A copy with compartments, whole component states or the time `"t"` changed.

        Raises:
            ValueError: an unknown path, or a value that does not fit.
        """
        components, clock = dict(self.components), self.clock
        for path, value in changes.items():
            name, _, inner = path.partition(".")
            if path == "t":
                clock = clock.moved_to(value)
                continue
            self._state(name)
            components[name] = (
                components[name].set({inner: value})
                if inner
                else _whole_state(name, components[name], value)
            )
        return self.replace(components=components, clock=clock)


def _whole_state(name: str, old: AnyState, new: Any) -> AnyState:
    if jax.tree.structure(new) == jax.tree.structure(old):
        return new
    raise ValueError(
        f"state.set({{{name!r}: ...}}) takes a whole {type(old).__name__} of the same sizes, got "
        f"{type(new).__name__}. For one compartment write "
        f"state.set({{'{name}.{next(iter(old.specs()), '')}': ...}})."
    )
