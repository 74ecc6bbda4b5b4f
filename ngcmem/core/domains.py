"""Which values a hyper-parameter may have: said once, in the annotation of its field.

    class Cell(Component[CellState]):
        units: Static[int]                # whole, at least 1, as every size
        tau: PositiveOrInf = 20.0         # help() shows `tau: float | Array = 20.0`
        eta: NonNegative | None = None
        share: Annotated[float | Array, Interval("[0, 1)")] = 0.5

Numbers, NumPy and jax arrays are checked by the constructor, `replace` and `nm.with_parameters`.
Traced values, of `jax.vmap` or `jax.grad`, become NaN out of their domain, and with them all that
a verb computes (`held_to_domains`, `spoiled`). NaN lies in no domain, inf where it has
a meaning. Axes, shapes and other placeholders of transformations are never looked at.
"""

import re
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from ngcmem.core.errors import is_whole

_NUMBERS = (bool, int, float, np.number, np.bool_, np.ndarray)


class Interval:
    """The numbers of an interval in the notation of mathematics: `Interval("(0, inf]")`.

    A round bracket leaves the end out, a square one takes it in.
    """

    def __init__(self, text: str):
        parts = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", text)
        if parts is None:
            raise ValueError(f"An interval is written as '[0, 1)' or '(0, inf]', got {text!r}.")
        self.text = text
        self.low, self.high = float(parts[2]), float(parts[3])
        self.with_low, self.with_high = parts[1] == "[", parts[4] == "]"

    def holds(self, values: Any) -> Any:
        """Element by element, for numbers, NumPy arrays and tracers; False for NaN."""
        above = values >= self.low if self.with_low else values > self.low
        below = values <= self.high if self.with_high else values < self.high
        return above & below

    def __repr__(self) -> str:
        return f"Interval({self.text!r})"


class Whole(NamedTuple):
    """Whole numbers from `least` on; of every `Static[int]` unless it says another.

    `several`: or a tuple of them, the sizes of a population with a shape.
    """

    least: int = 1
    several: bool = False


Real = Annotated[float | Array, Interval("(-inf, inf)")]
RealOrInf = Annotated[float | Array, Interval("(-inf, inf]")]
"""A threshold, say, that nothing reaches."""
Positive = Annotated[float | Array, Interval("(0, inf)")]
NonNegative = Annotated[float | Array, Interval("[0, inf)")]
PositiveOrInf = Annotated[float | Array, Interval("(0, inf]")]
"""A time constant of an equation that is divided by it; inf: nothing changes."""
NonNegativeOrInf = Annotated[float | Array, Interval("[0, inf]")]
"""A time constant of an exact decay; 0: gone with the next step, inf: kept for ever."""
Probability = Annotated[float | Array, Interval("[0, 1]")]
BelowOne = Annotated[float | Array, Interval("[0, 1)")]
PositivePart = Annotated[float | Array, Interval("(0, 1]")]


class Domain(NamedTuple):
    """What a field may hold."""

    kind: str  # "a number", "a number or an array", "an array" or "" (anything)
    values: Interval | Whole | None
    optional: bool

    @property
    def text(self) -> str:
        """For an error and for the table in the docs."""
        none = " or None" if self.optional else ""
        if isinstance(self.values, Whole):
            tuples = ", or a tuple of them" if self.values.several else ""
            return f"a whole number of at least {self.values.least}{tuples}{none}"
        if self.values is None:
            return f"{self.kind}{none}"
        return f"{'an array of numbers' if self.kind == 'an array' else 'a number'} in " + (
            f"{self.values.text}{none}"
        )


def domain_of(annotation: Any) -> Domain | None:
    """The domain that a field's annotation declares; None where it declares none."""
    notes: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        notes += more
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    optional = NoneType in parts
    parts = [part for part in parts if part is not NoneType]
    if len(parts) == 1 and get_origin(parts[0]) is Annotated:
        inner = domain_of(parts[0])
        return inner and inner._replace(optional=optional or inner.optional)
    values = next((note for note in notes if isinstance(note, (Interval, Whole))), None)
    kind = _kind_of(parts)
    if values is None and parts == [int] and "static" in notes:
        values = Whole()
    if (values is None and Array not in parts) or not (values or kind):
        return None
    return Domain(kind, values, optional)


def _kind_of(parts: list[Any]) -> str:
    if Array in parts:
        if {*parts} == {Array}:
            return "an array"
        return "a number or an array" if {*parts} <= {Array, float, int} else ""
    return "a number" if {*parts} <= {float, int} else ""


def check_fields(owner: Any, fields: Mapping[str, Any]) -> None:
    """Whether values given for the fields of a class lie in their domains.

    Raises:
        TypeError: a word or a list where a number or an array belongs.
        ValueError: a number out of its domain.
    """
    domains = owner.domains
    given = [(name, value, domains[name]) for name, value in fields.items() if name in domains]
    for name, value, domain in given:
        # Only what is certainly a mistake: tracers, axes, shapes and shardings may stand here.
        if domain.kind and type(value) in (str, list, tuple, dict):
            raise TypeError(_no_array(f"{owner.__name__}: {name} is {domain.kind}", name, value))
        if isinstance(domain.values, Whole):
            _check_whole(owner.__name__, name, value, domain)
    if any(_stands_for_another(value, domain) for _, value, domain in given):
        return  # axes of a component, where numbers too are axes
    for name, value, domain in given:
        if isinstance(domain.values, Interval):
            for leaf in jax.tree.leaves(value):
                check_number(f"{owner.__name__}: {name}", leaf, domain)


def check_number(place: str, value: Any, domain: Domain) -> None:
    """Whether a number or array lies in an interval; anything else, a tracer too, passes.

    Raises:
        ValueError: it does not.
    """
    assert isinstance(domain.values, Interval)
    if type(value) in (int, float):  # the usual case
        if domain.values.holds(value):
            return
        raise ValueError(f"{place} is {domain.text}, got {value!r}.")
    array = _concrete(value)
    if array is None or np.all(within := domain.values.holds(array)):
        return
    shown = str(array[()]) if array.ndim == 0 else f"an array with {array[~within][0]}"
    raise ValueError(f"{place} is {domain.text}, got {shown}.")


def _concrete(value: Any) -> np.ndarray | None:
    if isinstance(value, _NUMBERS):
        array = np.asarray(value)
    elif isinstance(value, Array) and not isinstance(value, Tracer) and value.is_fully_addressable:
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            return None
        array = np.asarray(value)
    else:
        return None
    return array if array.dtype == bool or jnp.issubdtype(array.dtype, jnp.number) else None


def _stands_for_another(value: Any, domain: Domain) -> bool:
    """Whether a value is no number but an axis, a shape or the like of one."""
    if not isinstance(domain.values, Interval) or not domain.kind:
        return False
    return not isinstance(value, (*_NUMBERS, Array)) and not (value is None and domain.optional)


def _check_whole(owner: str, name: str, value: Any, domain: Domain) -> None:
    assert isinstance(domain.values, Whole)
    if value is None and domain.optional:
        return
    if domain.values.several and isinstance(value, tuple) and value:
        fits = all(is_whole(size, domain.values.least) for size in value)
    else:
        fits = is_whole(value, domain.values.least)
    if not fits:
        several = domain.values.several and isinstance(value, list)
        hint = f" Write {name}=({', '.join(map(str, value))})." if several else ""  # pyright: ignore
        raise ValueError(f"{owner}: {name} is {domain.text}, got {value!r}.{hint}")


def _no_array(expected: str, name: str, given: Any) -> str:
    """The error for a word, a list or the like where an array belongs."""
    shown = repr(given) if len(repr(given)) < 60 else f"a {type(given).__name__}"
    if isinstance(given, (str, dict)):
        return f"{expected}, got {shown}."
    return (
        f"{expected}, got {shown}. Write {name}=jnp.array({shown if shown[0] in '[(' else name})."
    )


class PlacedDomain(NamedTuple):
    """The domain of one leaf of a tree of components, rules, similarities and so on."""

    place: str
    domain: Domain


def leaf_domains(tree: Any) -> Iterator[PlacedDomain | None]:
    """The domain of every leaf, in the order of `jax.tree.leaves`."""
    domains = getattr(type(tree), "domains", None)
    if domains is None:
        children = jax.tree.leaves(tree, is_leaf=lambda node: node is not tree)
        if len(children) == 1 and children[0] is tree:
            yield None
        else:
            for child in children:
                yield from leaf_domains(child)
        return
    for name in tree.leaf_names:
        value, domain = getattr(tree, name), domains.get(name)
        if domain is None or not isinstance(domain.values, Interval):
            yield from leaf_domains(value)
        else:
            place = PlacedDomain(f"{type(tree).__name__}: {name}", domain)
            yield from (place for _ in jax.tree.leaves(value))


def held_to_domains(tree: Any, leaves: list[Any]) -> tuple[list[Any], Array | None]:
    """The leaves of a tree, those that are traced with NaN for what is out of its domain.

    Returns:
        The leaves, and () bool: whether all traced values lie in their domains (None: no leaf
        with a domain is traced). The others cost the compiled program nothing.

    Raises:
        ValueError: a number that is not traced lies out of its domain.
    """
    held, within = [], None
    for leaf, found in zip(leaves, leaf_domains(tree), strict=True):
        if found is not None and isinstance(leaf, Tracer):
            leaf, fits = guarded(leaf, found.domain)
            within = fits if within is None else within & fits
        elif found is not None:
            check_number(found.place, leaf, found.domain)
        held.append(leaf)
    return held, within


def guarded(value: Any, domain: Domain) -> tuple[Array, Array]:
    """A traced value with NaN out of its domain, and () bool: whether all of it lies in it."""
    assert isinstance(domain.values, Interval)
    value = jnp.asarray(value)
    if not jnp.issubdtype(value.dtype, jnp.floating):
        value = value.astype(jnp.result_type(float))
    within = domain.values.holds(value)
    return _or_nan(within, value), jnp.all(within)


def number_in_domain(place: str, value: Any, domain: Domain) -> Any:
    """An argument of a function: NaN where it is traced and out of its domain.

    Raises:
        ValueError: a number out of its domain.
    """
    if isinstance(value, Tracer):
        return guarded(value, domain)[0]
    check_number(place, value, domain)
    return value


def as_probability(place: str, value: Any) -> Any:
    """An argument that is a probability or a part of a whole, held to 0 to 1."""
    return number_in_domain(place, value, Domain("a number", Interval("[0, 1]"), False))


def spoiled(within: Array, tree: Any) -> Any:
    """What was computed, and its derivatives, with NaN (and False) in all of it unless `within`."""

    def one(leaf: Array) -> Array:
        if leaf.dtype == bool:
            return leaf & within
        floating = jnp.issubdtype(leaf.dtype, jnp.floating)
        return _or_nan(within, leaf) if floating else leaf

    return jax.tree.map(one, tree)


def _or_nan(within: Array, values: Array) -> Array:
    """The values, or NaN; and their derivatives: those of a choice alone would be 0.

    The factor alone would not do: XLA makes a choice between it and 0 of its product with a spike.
    """
    factor = jnp.where(within, 1.0, jnp.nan).astype(values.dtype)
    return jnp.where(within, values * factor, jnp.nan)
