"""Hyper-parameters by path: read, and changed in a copy, for sweeps over whole circuits."""

from typing import Any, TypeVar

import jax

from ngcmem.core import Component, Pytree, check_number, did_you_mean, leaf_domains, path_of

C = TypeVar("C", bound=Component)


def hyperparameters(component: Component) -> dict[str, Any]:
    """Every hyper-parameter leaf by path: `{"cell.tau": 20.0, ...}`."""
    leaves = jax.tree_util.tree_flatten_with_path(component)[0]
    return {path_of(keys): leaf for keys, leaf in leaves}


def with_parameters(component: C, changes: dict[str, Any]) -> C:
    """A copy with some hyper-parameters changed, so that vmap and grad can reach them.

        jax.vmap(lambda tau: f(nm.with_parameters(circuit, {"cell.tau": tau})))(taus)

    Raises:
        ValueError: a path that is no hyper-parameter (sizes and functions are not), or a number
            out of its domain.
    """
    known = hyperparameters(component)
    for path in changes:
        if path not in known:
            raise ValueError(_no_hyperparameter(component, path, known))
    for path, found in zip(known, leaf_domains(component), strict=True):
        if found is not None and path in changes:
            check_number(found.place, changes[path], found.domain)
    return jax.tree_util.tree_map_with_path(
        lambda keys, leaf: changes.get(path_of(keys), leaf), component
    )


def _no_hyperparameter(component: Component, path: str, known: dict[str, Any]) -> str:
    owner, last = component, path
    while isinstance(owner, Pytree):
        first, _, inner = last.partition(".")
        if not inner:
            break
        parts = getattr(owner, "parts", {})
        owner, last = parts.get(first, getattr(owner, first, None)), inner
    if isinstance(owner, Pytree) and last in owner.static_names:
        return (
            f"{path!r} is a size or another fixed choice of {type(owner).__name__}, no "
            f"hyper-parameter: programs are compiled for it. Make a new component with another "
            f"{last}=, or write component.replace({last}=...)."
        )
    return f"There is no hyper-parameter {path!r}." + did_you_mean(path, known)
