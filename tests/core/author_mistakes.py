"""Mistakes in a component of one's own, each found by `nm.connect`, a verb, or the class itself."""

from dataclasses import FrozenInstanceError

import jax
import jax.numpy as jnp

import ngcmem as nm
from tests.core.mistakes import KEY, Mistake, memory, memory_state, state


class CellState(nm.State):
    inputs: nm.Input[jax.Array, "units"]
    v: nm.PerExample[jax.Array, "units"]
    weights: nm.Shared[jax.Array, "units"]


class Cell(nm.Component[CellState]):
    """A right one, for the wrong ones below."""

    units: nm.Static[int]
    tau: float | jax.Array = 20.0

    def init(self, key: jax.Array) -> CellState:
        zeros = jnp.zeros(self.units)
        return CellState(inputs=zeros, v=zeros, weights=zeros)

    def advance_state(self, state: CellState, t: jax.Array, dt: jax.Array) -> CellState:
        return state.replace(v=state.v + dt / self.tau * (state.inputs - state.v))


class BatchedInit(Cell):
    """Gives its init a batch axis."""

    def init(self, key: jax.Array) -> CellState:
        zeros = jnp.zeros((4, self.units))
        return CellState(inputs=zeros, v=zeros, weights=jnp.zeros(self.units))


class Forgetful(Cell):
    """Returns nothing from init."""

    def init(self, key: jax.Array) -> CellState:
        return None  # type: ignore[return-value]


class Unaveraged(Cell):
    """Learns without the mean over the batch."""

    def evolve(self, state: CellState, t: jax.Array, dt: jax.Array) -> CellState:
        return state.replace(weights=state.weights + state.inputs * state.v)


class Overreaching(Cell):
    """Writes its dynamics while it learns."""

    def evolve(self, state: CellState, t: jax.Array, dt: jax.Array) -> CellState:
        return state.replace(v=jnp.zeros_like(state.v))


class Branching(Cell):
    """Decides in Python by a number that is traced."""

    def advance_state(self, state: CellState, t: jax.Array, dt: jax.Array) -> CellState:
        if self.tau > 2:
            return state
        return state.replace(v=state.inputs)


class BranchingLearner(Cell):
    """Does so while it learns."""

    def evolve(self, state: CellState, t: jax.Array, dt: jax.Array) -> CellState:
        if state.v.sum() > 0:
            return state
        return state.replace(weights=state.weights + 1.0)


def by_verb(component: nm.Component, learn: bool = False) -> object:
    started = nm.init(component, KEY, batch=2)
    return (nm.evolve if learn else nm.advance_state)(component, started)


def by_connect(component: nm.Component) -> object:
    return nm.connect(dict(inner=nm.connect(dict(cell=component))))


def by_run(component: nm.Component, learn: bool = False) -> object:
    return nm.run(component, nm.init(component, KEY, batch=2), steps=3, learn=learn)


def plain_size() -> object:
    return type("Sized", (Cell,), {"__annotations__": {"hidden": int}})


def plain_flag() -> object:
    return type("Flagged", (Cell,), {"__annotations__": {"noisy": bool}, "noisy": False})


def without_time() -> object:
    def advance_state(self, state, dt):
        return state

    return type("Timeless", (Cell,), {"advance_state": advance_state})


def turned_round() -> object:
    def evolve(self, state, dt, t):
        return state

    return type("Turned", (Cell,), {"evolve": evolve})


def assign(target: object, name: str) -> None:
    setattr(target, name, 1.0)


def put(target: object, path: str) -> None:
    target[path] = 1.0  # type: ignore[index]


CELL = Cell(units=3)
INIT = (
    "BatchedInit.init gives 'inputs' the shape (4, 3), declared with the axes \"units\". init is "
    "written for one example: write it without the batch axis, which nm.init adds."
)
UNAVERAGED = (
    "CellState.weights has shape (3,), got (2, 3). It is Shared, one for the whole batch, and the "
    "first axis is the batch: average over it, weights=value.mean(0)."
)
OVERREACHING = (
    "Overreaching.evolve writes 'v', which is not Shared: learning changes what the whole batch "
    "has in common. Write it in advance_state, or declare it v: Shared[...]."
)


def untraceable(where: str, line: str) -> str:
    return (
        f"{where} asks for a number that is known only when the program runs, in the line "
        f"`{line}`. Write jnp.where(condition, a, b) instead of `if`, jnp functions instead of np "
        f"and math; declare a hyper-parameter that never varies as Static[...]."
    )


BRANCHING = untraceable("Branching.advance_state", "if self.tau > 2:")
LEARNER = untraceable("BranchingLearner.evolve", "if state.v.sum() > 0:")

MISTAKES = [
    *(
        Mistake(
            f"init with a batch axis, {name}",
            lambda f=f: f(BatchedInit(units=3)),
            nm.WiringError,
            INIT,
        )
        for name, f in (("verb", by_verb), ("connect", by_connect), ("run", by_run))
    ),
    Mistake(
        "init without a state",
        lambda: nm.init(Forgetful(units=3), KEY),
        nm.WiringError,
        "Forgetful.init returned NoneType: it ends with return SomeState(...).",
    ),
    Mistake("no mean, verb", lambda: by_verb(Unaveraged(units=3), True), ValueError, UNAVERAGED),
    Mistake("no mean, connect", lambda: by_connect(Unaveraged(units=3)), ValueError, UNAVERAGED),
    Mistake("no mean, run", lambda: by_run(Unaveraged(units=3), True), ValueError, UNAVERAGED),
    Mistake(
        "no mean, weight changes",
        lambda: nm.weight_changes(Unaveraged(units=3), nm.init(Unaveraged(units=3), KEY, batch=2)),
        ValueError,
        UNAVERAGED,
    ),
    Mistake(
        "no mean, population",
        lambda: by_connect(nm.Population(member=Unaveraged(units=3), count=4)),
        ValueError,
        UNAVERAGED,
    ),
    Mistake(
        "evolve writes dynamics, verb",
        lambda: by_verb(Overreaching(units=3), True),
        nm.WiringError,
        OVERREACHING,
    ),
    Mistake(
        "evolve writes dynamics, connect",
        lambda: by_connect(Overreaching(units=3)),
        nm.WiringError,
        OVERREACHING,
    ),
    Mistake(
        "evolve writes dynamics, run",
        lambda: by_run(Overreaching(units=3), True),
        nm.WiringError,
        OVERREACHING,
    ),
    Mistake("a branch, verb", lambda: by_verb(Branching(units=3)), TypeError, BRANCHING),
    Mistake("a branch, connect", lambda: by_connect(Branching(units=3)), TypeError, BRANCHING),
    Mistake("a branch, run", lambda: by_run(Branching(units=3)), TypeError, BRANCHING),
    Mistake(
        "a branch in learning, verb",
        lambda: by_verb(BranchingLearner(units=3), True),
        TypeError,
        LEARNER,
    ),
    Mistake(
        "a branch in learning, connect",
        lambda: by_connect(BranchingLearner(units=3)),
        TypeError,
        LEARNER,
    ),
    Mistake(
        "a branch in learning, run",
        lambda: by_run(BranchingLearner(units=3), True),
        TypeError,
        LEARNER,
    ),
    Mistake(
        "a size that is no Static",
        plain_size,
        TypeError,
        "Sized.hidden: int would be traced like a hyper-parameter, so that no shape and no `if` "
        "could use it. Write hidden: Static[int].",
    ),
    Mistake(
        "a flag that is no Static",
        plain_flag,
        TypeError,
        "Flagged.noisy: bool would be traced like a hyper-parameter, so that no shape and no `if` "
        "could use it. Write noisy: Static[bool].",
    ),
    Mistake(
        "advance_state without t",
        without_time,
        TypeError,
        "Timeless.advance_state takes (self, state, dt), but it is called with (self, state, t, "
        "dt): write def advance_state(self, state, t, dt).",
    ),
    Mistake(
        "evolve with dt before t",
        turned_round,
        TypeError,
        "Turned.evolve takes (self, state, dt, t), but it is called with (self, state, t, dt): "
        "write def evolve(self, state, t, dt).",
    ),
    Mistake(
        "store as a method",
        lambda: memory().store(memory_state(), jnp.zeros((1, 3))),  # type: ignore[call-arg]
        TypeError,
        "Hopfield.store is what nm.store calls inside a program, with (state, inputs, targets, "
        "key): write nm.store(memory, state, inputs).",
    ),
    Mistake(
        "advance_state as a method",
        lambda: CELL.advance_state(nm.init(CELL, KEY), dt=1.0),  # type: ignore[call-arg]
        TypeError,
        "Cell.advance_state is what nm.advance_state calls inside a program, with (state, t, dt): "
        "write nm.advance_state(component, state).",
    ),
    Mistake(
        "init of a batch as a method",
        lambda: CELL.init(KEY, batch=2),  # type: ignore[call-arg]
        TypeError,
        "Cell.init is what nm.init calls inside a program, with (key): write nm.init(component, "
        "key).",
    ),
    *(
        Mistake(
            f"{name} as a method",
            lambda name=name: getattr(memory(), name)(memory_state(), jnp.zeros((1, 3))),
            AttributeError,
            f"Hopfield has no method {name!r}: write nm.{name}(memory, state, ...).",
        )
        for name in ("recall", "read", "run")
    ),
    Mistake(
        "run as a circuit's method",
        lambda: nm.connect(dict(cell=CELL)).run(state(), steps=2),  # type: ignore[attr-defined]
        AttributeError,
        "Circuit has no method 'run': write nm.run(circuit, state, ...).",
    ),
    Mistake(
        "a compartment assigned",
        lambda: assign(memory_state(), "outputs"),
        FrozenInstanceError,
        "HopfieldState is immutable: write state = state.replace(outputs=...), and use what it "
        "returns.",
    ),
    Mistake(
        "a path assigned",
        lambda: put(state(), "cell.v"),
        TypeError,
        "CircuitState is immutable: write state = state.set({'cell.v': ...}), and use what it "
        "returns.",
    ),
    Mistake(
        "a hyper-parameter assigned",
        lambda: assign(memory(), "beta"),
        FrozenInstanceError,
        "Hopfield is immutable: write memory = memory.replace(beta=...), and use what it returns.",
    ),
    Mistake(
        "time by place",
        lambda: nm.advance_state(CELL, nm.init(CELL, KEY), 0.1),  # type: ignore[misc]
        TypeError,
        "advance_state() takes 2 positional arguments but 3 were given",
    ),
]
