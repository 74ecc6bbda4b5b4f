"""The arguments of the verbs: checked, and in the kinds that compiled programs take."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ngcmem.circuits import delayed_sources
from ngcmem.core import AnyState, Component, default_float, is_key


def checked(component: Any) -> Any:
    """The component, or an error that names the mistake."""
    if isinstance(component, type) and issubclass(component, Component):
        raise TypeError(
            f"{component.__name__} is a class: make a component first, {component.__name__}(...)."
        )
    if not isinstance(component, Component):
        raise TypeError(
            f"The first argument is a component or circuit, got {type(component).__name__}. "
            f"The order is (component, state)."
        )
    return component


def typed_key(key: Any) -> Array:
    """A typed random key; raw `jax.random.PRNGKey` data is wrapped.

    Raises:
        TypeError: no random key.
    """
    if is_key(key) and key.shape == ():
        return key
    if isinstance(key, (jax.Array, np.ndarray)) and key.dtype == np.uint32 and key.shape == (2,):
        return jax.random.wrap_key_data(jnp.asarray(key))
    raise TypeError(f"key is one random key: write key=jax.random.key(0), got {key!r}.")


def as_scalar(value: ArrayLike) -> Any:
    """A strongly typed float, so that other values of any kind compile nothing."""
    if isinstance(value, jax.Array):
        return value.astype(default_float())
    return np.asarray(value, default_float())


def as_duration(dt: ArrayLike, component: Component | None = None) -> Any:
    """The length of a step: a number as a float (`Program` keeps it), an array as a scalar.

    Raises:
        ValueError: not one number, not a positive finite one, longer than the component can
            integrate, or so short that a delay does not fit into its ring (of an array only the
            shape is looked at).
    """
    if isinstance(dt, (jax.Array, np.ndarray)) and dt.shape == ():
        return as_scalar(dt)
    number = (int, float, np.integer, np.floating)
    if isinstance(dt, bool) or not isinstance(dt, number) or not 0 < float(dt) < np.inf:
        raise ValueError(f"dt is the length of a step, a positive number of ms, got {dt!r}.")
    if component is not None and dt > (longest := component.longest_dt):
        raise ValueError(
            f"dt={dt!r} ms is too long a step: {_owner(component, 'longest_dt')} takes at most "
            f"{longest} ms. Write dt={longest} (and as many more steps)."
        )
    if component is not None and dt < (shortest := component.shortest_dt):
        raise ValueError(
            f"dt={dt!r} ms is too short a step: {_owner(component, 'shortest_dt')} keeps too "
            f"few of them for its longest delay. Make its max_steps {math.ceil(shortest / dt)} "
            f"times as large, or write dt={shortest:.6g} or more."
        )
    return float(dt)


def _owner(component: Component, limit: str) -> str:
    """The path and kind of the component, or the delay, that sets a limit such as `longest_dt`."""
    bound, place = getattr(component, limit), ""
    while component.parts:
        parts = component.parts.items()
        name, part = next(((k, v) for k, v in parts if getattr(v, limit) == bound), ("", None))
        if part is None:
            lags = next(s for s in delayed_sources(component) if getattr(s, limit) == bound)
            return f"{place}{lags}"
        component = part
        place += f"{name!r}: "
    return f"{place}{type(component).__name__}"


def as_time(state: Any, t: ArrayLike | None) -> Any:
    """The starting time of a bare component; a circuit's is in its state.

    Raises:
        ValueError: a time given for a circuit.
    """
    if t is None:
        return 0.0
    if isinstance(state, AnyState) and state.own_clock is not None:
        raise ValueError("A circuit keeps its own time: write state.set({'t': t}) instead of t=.")
    return as_scalar(t)
