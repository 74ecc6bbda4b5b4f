"""A plastic synapse inside another component, which keeps more of its past."""

from typing import Any, ClassVar, Self

import jax
from jax import Array

from ngcmem.core import (
    AnyState,
    Compartment,
    Component,
    Role,
    advance_example,
)


class WrappedState(AnyState):
    """The compartments of a synapse under their own names, and further Shared ones."""

    synapse: AnyState

    own: ClassVar[tuple[str, ...]] = ()
    """The further ones, one array or key each; those with a weight's axes have `hidden` before."""

    def specs(self) -> dict[str, Compartment]:
        inner = self.synapse.specs()
        axes = inner["weights"].axes
        further = {
            name: Compartment(Role.SHARED, () if name == "learning_key" else self.axes(name, axes))
            for name in self.own
            if getattr(self, name) is not None
        }
        return inner | further

    def axes(self, name: str, weights: tuple[str, ...]) -> tuple[str, ...]:
        """The axes of one of its own, given those of the weights."""
        return weights

    def leaf_roles(self) -> list[Role]:
        inner = {"synapse": self.synapse.leaf_roles()}
        return [
            role
            for name in self.leaf_names
            for role in inner.get(name) or [Role.SHARED] * len(jax.tree.leaves(getattr(self, name)))
        ]

    def __getitem__(self, path: str) -> Any:
        return getattr(self, path) if path in self.own else self.synapse[path]

    def set(self, changes: dict[str, Any]) -> Self:
        state = self
        inner = {path: value for path, value in changes.items() if path not in self.own}
        for name in changes.keys() - inner.keys():
            state = state.replace(**{name: changes[name]})
        return state.replace(synapse=state.synapse.set(inner)) if inner else state


class Wrapper(Component):
    """A component around a plastic synapse: same compartments, same transmission."""

    synapse: Component

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        if not isinstance(self.synapse, Component) or not self.synapse.learns:
            kind = type(self.synapse).__name__
            raise TypeError(
                f"{name}: synapse is a synapse that learns, such as nm.STDP(inputs=100, "
                f"outputs=10), got {kind}."
            )
        shapes = jax.eval_shape(self.synapse.init, jax.random.key(0))
        if "weights" not in shapes.specs():
            raise TypeError(
                f"{name}: synapse has a compartment `weights` to keep, but "
                f"{type(self.synapse).__name__} has {', '.join(shapes.specs())}."
            )

    @property
    def longest_dt(self) -> float:
        return self.synapse.longest_dt

    @property
    def shortest_dt(self) -> float:
        return self.synapse.shortest_dt

    def axis_size(self, path: str, axis: str) -> Any:
        return self.synapse.axis_size(path, axis)

    def advance_state(self, state: Any, t: Array, dt: Array) -> Any:
        return state.replace(synapse=advance_example(self.synapse, state.synapse, t, dt))

    def weight_changes(self, state: Any, t: Array, dt: Array) -> Any:
        return self.synapse.weight_changes(state.synapse, t, dt)
