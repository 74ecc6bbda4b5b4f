"""A compartment keeps the shape and dtype it began with: the one place where that is enforced."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def conform(place: str, old: Any, new: Any, *, shared: bool = False) -> Any:
    """`new` in the structure, shapes and dtypes of `old`; `shared` arrays have no batch axis.

    Floating widths are converted (a float64 NumPy array into a float32 compartment), bools become
    integers or floats and integers become floats or another width of integers where those are
    kept. An integer on the host (NumPy, a list, a number) that the compartment cannot hold exactly
    is refused; arrays on a device are not read back for that. Nothing is broadcast.

    Raises:
        ValueError: another tree structure, another shape, or a kind or an integer that would lose
            information.
    """
    if isinstance(new, jax.Array) and isinstance(old, (jax.Array, jax.ShapeDtypeStruct)):
        return _conform_leaf(place, old, new, shared)  # the usual case, without walking trees
    if not all(hasattr(leaf, "dtype") for leaf in jax.tree.leaves(old)):
        return new  # axes, shardings or other placeholders of a transformation
    structure, given = jax.tree.structure(old), jax.tree.structure(new)
    if structure != given:
        if structure.num_leaves == 1 and jax.tree_util.treedef_is_leaf(structure):
            new = np.asarray(new)
        else:
            raise ValueError(f"{place} is a pytree {structure}, got {given}.")
    return jax.tree.map(lambda a, b: _conform_leaf(place, a, b, shared), old, new)


def as_array(place: str, given: Any, name: str) -> Any:
    """Anything with a NumPy dtype as it is, tracers too; numbers and None as NumPy has them.

    Raises:
        TypeError: an array of another library, such as a torch tensor.
    """
    if not hasattr(given, "dtype"):
        return np.asarray(given)
    if isinstance(given, (jax.Array, np.ndarray, np.generic)) or not hasattr(given, "numpy"):
        return given
    kind = f"{type(given).__module__}.{type(given).__name__}"
    raise TypeError(f"{place} is a {kind}: write {name}.numpy().")


def _conform_leaf(place: str, old: Any, new: Any, shared: bool) -> Any:
    if not hasattr(new, "dtype") and not isinstance(new, (bool, int, float, complex)):
        return new  # a placeholder, as above
    new = as_array(place, new, place.split(".")[-1])
    if new.shape != old.shape:
        advice = _advice(place.split(".")[-1], old.shape, new.shape, shared)
        raise ValueError(f"{place} has shape {old.shape}, got {new.shape}.{advice}")
    if new.dtype == old.dtype and not getattr(new, "weak_type", False):
        # NumPy arrays are copied: their owner may still write to them.
        return jnp.array(new) if isinstance(new, np.ndarray) else new
    if not keeps_information(new.dtype, old.dtype):
        raise ValueError(
            f"{place} holds {old.dtype}, got {new.dtype}. Convert it first: "
            f"{place.split('.')[-1]}.astype('{old.dtype}')."
        )
    if isinstance(new, (np.ndarray, np.generic)) and new.dtype.kind in "iu":
        _check_exact(place, new, old.dtype)
    return jnp.asarray(new, old.dtype)


def _check_exact(place: str, given: Any, kept: Any) -> None:
    """Raise ValueError for an integer that becomes another number in the dtype kept."""
    with np.errstate(invalid="ignore"):  # far too large ones come back as anything else
        back = np.asarray(given).astype(kept).astype(given.dtype)
    if (lost := back != given).any():
        raise ValueError(
            f"{place} holds {kept}, which cannot hold {np.asarray(given)[lost][0]} exactly. To "
            f"round it write {place.split('.')[-1]}.astype(float)."
        )


def _advice(name: str, old: tuple[int, ...], new: tuple[int, ...], shared: bool) -> str:
    if new == ():
        return f" Nothing is broadcast: write jnp.full({old}, value)."
    if shared and new[1:] == old:
        return (
            f" It is Shared, one for the whole batch, and the first axis is the batch: average "
            f"over it, {name}=value.mean(0)."
        )
    if not shared and new[1:] == old[1:] and len(new) > 1:
        return (
            f" For another batch size write nm.rebatch(component, state, batch={new[0]}), "
            f"which keeps what was learned."
        )
    if not shared and new == old[1:]:
        return " The first axis is the batch: write value[None] for one example."
    return ""


def keeps_information(given: Any, kept: Any) -> bool:
    """Whether values of one dtype may be converted to the other: bool < int < float < complex."""
    if given == kept:
        return True
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating)
    rank = [
        next((i for i, k in enumerate(kinds) if jnp.issubdtype(d, k)), -1) for d in (given, kept)
    ]
    return 0 <= rank[0] <= rank[1] and rank[1] > 0
