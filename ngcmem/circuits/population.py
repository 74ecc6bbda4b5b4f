"""A population: several copies of one component, each with its own state and weights."""

from dataclasses import replace
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.circuits.hyperparameters import hyperparameters
from ngcmem.core import (
    AnyState,
    Compartment,
    Component,
    Role,
    Static,
    advance_example,
    did_you_mean,
    evolve_batch,
    init_example,
    map_by_role,
)


class PopulationState(AnyState):
    """The member's compartments with a further axis, `members`, before their own axes."""

    member: AnyState

    def specs(self) -> dict[str, Compartment]:
        return {
            path: replace(spec, axes=("members", *spec.axes) if spec.axes else ())
            for path, spec in self.member.specs().items()
        }

    def leaf_roles(self) -> list[Role]:
        return self.member.leaf_roles()

    def __getitem__(self, path: str) -> Any:
        return self.member[path]

    def set(self, changes: dict[str, Any]) -> Self:
        return self.replace(member=self.member.set(changes))


class Population(Component[PopulationState]):
    """`count` copies of `member`: same hyper-parameters, separate states, weights and noise.

    Hyper-parameters named in `varying` have a leading axis of length `count`, one value per
    copy: `Population(member=nm.LIF(units=10, tau=taus), count=3, varying=("tau",))`.

    Raises:
        ValueError: a name in `varying` that is no hyper-parameter of the member, or whose values
            are not one per copy.
    """

    member: Component
    count: Static[int]
    varying: Static[tuple[str, ...]] = ()

    @property
    def longest_dt(self) -> float:
        return self.member.longest_dt

    @property
    def shortest_dt(self) -> float:
        return self.member.shortest_dt

    def __post_init__(self) -> None:
        super().__post_init__()
        known = hyperparameters(self.member)
        for name in self.varying:
            if name not in known:
                raise ValueError(
                    f"Population: varying names {name!r}, no hyper-parameter of "
                    f"{type(self.member).__name__}." + did_you_mean(name, known)
                )
            if jnp.shape(known[name])[:1] != (self.count,):
                raise ValueError(
                    f"Population: {name} is to vary over count={self.count} members; give it "
                    f"shape ({self.count}, ...), got {jnp.shape(known[name])}."
                )

    def init(self, key: Array) -> PopulationState:
        keys = jax.random.split(key, self.count)
        return PopulationState(member=self._over_members(init_example, 0)(keys))

    def advance_state(self, state: PopulationState, t: Array, dt: Array) -> PopulationState:
        new = self._over_members(lambda m, s: advance_example(m, s, t, dt), 0)(state.member)
        return state.replace(member=_shared_from(state.member, new))

    def evolve(self, state: PopulationState, t: Array, dt: Array) -> PopulationState:
        axes = _member_axes(state.member)
        new = self._over_members(lambda m, s: evolve_batch(m, s, t, dt), axes, axes)(state.member)
        return state.replace(member=_shared_from(new, state.member))

    @property
    def learns(self) -> bool:
        return self.member.learns

    def weight_changes(self, state: PopulationState, t: Array, dt: Array) -> Any:
        axes = _member_axes(state.member)
        return self._over_members(lambda m, s: m.weight_changes(s, t, dt), axes)(state.member)

    def axis_size(self, path: str, axis: str) -> Any:
        return self.count if axis == "members" else self.member.axis_size(path, axis)

    def reset(self, state: PopulationState) -> PopulationState:
        new = self._over_members(lambda m, s: m.reset(s), 0)(state.member)
        return state.replace(member=new)

    def _over_members(self, function: Any, axes: Any, out_axes: Any = 0) -> Any:
        """`function(member, argument)` mapped over the copies."""
        leaves, structure = jax.tree.flatten(self.member)
        names = hyperparameters(self.member)
        member_axes = [0 if name in self.varying else None for name in names]

        def one(leaves: list[Any], argument: Any) -> Any:
            return function(jax.tree.unflatten(structure, leaves), argument)

        mapped = jax.vmap(one, in_axes=(member_axes, axes), out_axes=out_axes)
        return lambda argument: mapped(leaves, argument)


def _member_axes(state: AnyState) -> Any:
    """Where the members' axis stands in a batched state: behind the batch axis, if there is one."""
    return map_by_role(lambda role, _: 1 if role.batched else 0, state)


def _shared_from(state: AnyState, others: AnyState) -> AnyState:
    """The Shared leaves of one state, all others of another: vmap copies what nobody wrote."""
    return map_by_role(lambda role, a, b: a if role is Role.SHARED else b, state, others)
