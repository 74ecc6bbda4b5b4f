"""What the tables of mistakes are made of: an entry, and small things to be mistaken about."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm
from ngcmem import wire

KEY = jax.random.key(0)


class Mistake(NamedTuple):
    name: str
    make: Callable[[], object]
    error: type[Exception]
    text: str


def cells(**parts: nm.Component) -> dict[str, nm.Component]:
    return dict(source=nm.Poisson(units=3), cell=nm.LIF(units=3), **parts)


def circuit() -> nm.Circuit:
    return nm.connect(cells(), [wire("source.spikes", to="cell.current")])


def state() -> nm.circuits.CircuitState:
    return nm.init(circuit(), KEY, batch=2)


def memory() -> nm.Hopfield:
    return nm.Hopfield(slots=4, features=3)


def memory_state() -> nm.memories.HopfieldState:
    return nm.init(memory(), KEY)


def fields() -> nm.Episodic:
    return nm.Episodic(slots=4, keys={"state": 3, "time": 2})


class Tensor:
    """As much of a torch tensor as is looked at."""

    shape = (2, 3)
    dtype = "torch.float32"

    def numpy(self) -> np.ndarray:
        return np.zeros(self.shape)


class Greedy(nm.Component):
    """Writes a Shared compartment in advance_state."""

    def init(self, key: jax.Array) -> nm.synapses.ProjectedState:
        return nm.Dense(inputs=2, outputs=2).init(key)

    def advance_state(
        self, state: nm.synapses.ProjectedState, t: jax.Array, dt: jax.Array
    ) -> nm.synapses.ProjectedState:
        return state.replace(weights=state.weights + 1.0)


class Labelled(Greedy):
    """Has a word among its hyper-parameters."""

    label: str


class Drifting(Greedy):
    """Changes the shape of a compartment."""

    def advance_state(
        self, state: nm.synapses.ProjectedState, t: jax.Array, dt: jax.Array
    ) -> nm.synapses.ProjectedState:
        fields = {name: getattr(state, name) for name in state.leaf_names}
        return nm.synapses.ProjectedState(**{**fields, "outputs": jnp.zeros(3)})


class Reader(nm.State):
    weights: nm.Borrowed[jax.Array, "in out"]
    outputs: nm.PerExample[jax.Array, "out"]


class Borrower(nm.Component[Reader]):
    """Reads another component's weights."""

    def init(self, key: jax.Array) -> Reader:
        return Reader(weights=jnp.zeros((3, 3)), outputs=jnp.zeros(3))

    def advance_state(self, state: Reader, t: jax.Array, dt: jax.Array) -> Reader:
        return state.replace(outputs=state.weights.sum(0))


def connect(*wires: object, **parts: nm.Component) -> nm.Circuit:
    return nm.connect(cells(**parts), list(wires))  # type: ignore[arg-type]


def no_role() -> object:
    return type("Bad", (nm.State,), {"__annotations__": {"v": jax.Array}})
