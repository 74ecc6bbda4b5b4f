"""The optimisers that descend to store, by default: made of a module's functions, so that a memory
can be pickled, which one with a plain `optax.adam(...)` cannot."""

from typing import Any

import optax

_SLOW, _FAST = optax.adam(3e-3), optax.adam(1e-2)


def _slow_init(params: Any) -> Any:
    return _SLOW.init(params)


def _slow_update(updates: Any, state: Any, params: Any = None) -> Any:
    return _SLOW.update(updates, state, params)


def _fast_init(params: Any) -> Any:
    return _FAST.init(params)


def _fast_update(updates: Any, state: Any, params: Any = None) -> Any:
    return _FAST.update(updates, state, params)


SLOW_ADAM = optax.GradientTransformation(_slow_init, _slow_update)
"""Adam with a step of 3e-3."""

FAST_ADAM = optax.GradientTransformation(_fast_init, _fast_update)
"""Adam with a step of 1e-2."""
