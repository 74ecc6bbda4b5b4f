"""The verbs: jitted, batched, the same for a component and a circuit."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ngcmem.circuits import CircuitState
from ngcmem.core import AnyState, Component, Role, check_state, default_float, evolve_batch, is_key
from ngcmem.drivers import batching as batched
from ngcmem.drivers._dispatch import Program
from ngcmem.drivers.canonical import canonical

S = TypeVar("S", bound=AnyState)


def init(component: Component[S], key: Array, batch: int = 1) -> S:
    """The state of `batch` examples before anything happened.

    Args:
        component: a component or a circuit.
        key: a random key, `jax.random.key(0)`. A circuit folds it in by component name.
        batch: the number of examples; every per-example compartment has this first axis.

    Raises:
        TypeError: the first argument is no component, or the key is no random key.
        ValueError: `batch` is not a whole number of at least 1.
    """
    number = whole_batch("init", batch)
    return batched.init_batch(canonical(checked(component)), typed_key(key), number)


def advance_state(
    component: Component[S], state: S, t: ArrayLike | None = None, dt: ArrayLike = 1.0
) -> S:
    """One step of the dynamics of every example.

    Args:
        component: a component or a circuit.
        state: its state, from `init`.
        t: the time at which the step begins, ms (a bare component only; a circuit uses, and
            advances, `state.t`).
        dt: the length of the step, ms.

    Raises:
        ValueError: a state of another component, or `t` given for a circuit.
    """
    return _advance(checked(component), state, as_time(state, t), as_duration(dt, component))[0]


def evolve(component: Component[S], state: S, t: ArrayLike | None = None, dt: ArrayLike = 1.0) -> S:
    """One step of learning, from what the step before it computed; arguments as above."""
    return _evolve(checked(component), state, as_time(state, t), as_duration(dt, component))[0]


def weight_changes(
    component: Component[S], state: S, t: ArrayLike | None = None, dt: ArrayLike = 1.0
) -> Any:
    """The changes of the weights that `evolve` would want, without applying them.

    Returns:
        One component: its dWeights. A circuit: a dict of them by component path.

    Raises:
        TypeError: a component that learns nothing.
    """
    return _weight_changes(
        checked(component), state, as_time(state, t), as_duration(dt, component)
    )[1]


def reset(component: Component[S], state: S) -> S:
    """Per-example compartments as after `init`, time 0; what was learned and keys are kept."""
    return _reset(checked(component), state)[0]


@Program
def _advance(component: Component[S], state: S, t: Array, dt: Array) -> tuple[S, None]:
    check_state(component, state)
    return batched.advance_batch(component, state, batched.step_times(state, t), dt), None


@Program
def _evolve(component: Component[S], state: S, t: Array, dt: Array) -> tuple[S, None]:
    check_state(component, state)
    return evolve_batch(component, state, batched.learn_times(state, t), dt), None


@Program
def _weight_changes(component: Component[S], state: S, t: Array, dt: Array) -> tuple[S, Any]:
    check_state(component, state)
    return state, component.weight_changes(state, batched.learn_times(state, t), dt)


@Program
def _reset(component: Component[S], state: S) -> tuple[S, None]:
    check_state(component, state)
    return batched.reset_batch(component, state), None


def parameters(state: AnyState, names: Any = None) -> dict[str, Any]:
    """The learned compartments by path: what `jax.grad` and optax train.

    Args:
        state: a state; put the result back with `state.set(params)`.
        names: paths to take; all Shared compartments of floating arrays by default, without
            optimiser states (keys and counters are not differentiable).

    Raises:
        ValueError: a name that is not such a compartment.
    """
    found = {
        path: state[path]
        for path, spec in state.specs().items()
        if spec.role is Role.SHARED and _trainable(path, state[path])
    }
    if names is None:
        return found
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in found:
            known = f"The parameters are: {', '.join(found)}." if found else "This state has none."
            raise ValueError(f"{name!r} is no parameter. {known}")
    return {name: found[name] for name in wanted}


def _trainable(path: str, value: Any) -> bool:
    leaves = jax.tree.leaves(value)
    floating = all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves)
    return bool(leaves) and floating and not path.endswith("optimizer_state")


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


def whole_batch(verb: str, batch: Any) -> int:
    """The number of examples.

    Raises:
        ValueError: not a whole number of at least 1.
    """
    if isinstance(batch, bool) or not isinstance(batch, (int, np.integer)) or batch < 1:
        raise ValueError(f"{verb}: batch is a whole number of at least 1, got {batch!r}.")
    return int(batch)


def typed_key(key: Any) -> Array:
    """A typed random key; raw `jax.random.PRNGKey` data is wrapped.

    Raises:
        TypeError: no random key.
    """
    if is_key(key):
        if key.shape == ():
            return key
    elif isinstance(key, (jax.Array, np.ndarray)) and key.dtype == np.uint32 and key.shape == (2,):
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
        ValueError: not one number, not a positive finite one, or longer than the component can
            integrate (of an array only the shape is looked at).
    """
    if isinstance(dt, (jax.Array, np.ndarray)) and dt.shape == ():
        return as_scalar(dt)
    number = (int, float, np.integer, np.floating)
    if isinstance(dt, bool) or not isinstance(dt, number) or not 0 < float(dt) < np.inf:
        raise ValueError(f"dt is the length of a step, a positive number of ms, got {dt!r}.")
    if component is not None and dt > component.longest_dt:
        longest = component.longest_dt
        raise ValueError(
            f"dt={dt!r} ms is too long a step: {_stiffest(component)} is stable up to {longest} "
            f"ms. Write dt={longest} (and as many more steps)."
        )
    return float(dt)


def _stiffest(component: Any) -> str:
    """The path and kind of the component that sets `longest_dt`."""
    for name, part in getattr(component, "components", {}).items():
        if part.longest_dt == component.longest_dt:
            return f"{name!r}: {_stiffest(part)}"
    return type(component).__name__


def as_time(state: Any, t: ArrayLike | None) -> Any:
    """The starting time of a bare component; a circuit's is in its state."""
    if t is None:
        return 0.0
    if isinstance(state, CircuitState):
        raise ValueError("A circuit keeps its own time: write state.set({'t': t}) instead of t=.")
    return as_scalar(t)
