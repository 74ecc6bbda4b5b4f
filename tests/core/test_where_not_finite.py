"""`nm.where_not_finite`: the first compartment and step, against a run by hand, step by step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.drivers import NotFinite
from tests.components import COMPONENTS
from tests.test_every_component import driven

KEY = jax.random.key(0)


class GrowthState(nm.State):
    inputs: nm.Input[jax.Array, "units"]
    outputs: nm.PerExample[jax.Array, "units"]
    due: nm.PerExample[jax.Array, "units"]  # infinite: the time that has not come


class Growth(nm.Component[GrowthState]):
    """outputs <- 1000 outputs + inputs: 10^(3 n) after n steps, beyond float32 at n = 13."""

    units: nm.Static[int]
    factor: float | jax.Array = 1000.0

    def init(self, key: jax.Array) -> GrowthState:
        zeros = jnp.zeros(self.units)
        return GrowthState(inputs=zeros, outputs=zeros + 1.0, due=zeros + jnp.inf)

    def advance_state(self, state: GrowthState, t: jax.Array, dt: jax.Array) -> GrowthState:
        return state.replace(outputs=self.factor * state.outputs + state.inputs)


def test_the_step_of_an_overflow() -> None:
    growth = Growth(units=2)
    state = nm.init(growth, KEY, batch=2)
    only = state.replace(outputs=jnp.array([[0.0, 0.0], [0.0, 1.0]]))  # of one unit, one example
    for begin in (state, only):
        assert nm.where_not_finite(growth, begin, steps=30) == NotFinite(
            "", "outputs", 12, "advance_state"
        )
        assert nm.where_not_finite(growth, begin, steps=12) is None
    assert nm.where_not_finite(growth.replace(factor=1e5), state, steps=30)[2] == 7  # type: ignore
    text = str(nm.where_not_finite(growth, state, steps=30))
    assert text == "'outputs' stops being finite in step 12, in advance_state"


def test_the_source_is_named_not_where_its_wires_lead() -> None:
    inner = nm.connect(
        dict(after=nm.Trace(units=2), growth=Growth(units=2)),
        [wire("growth.outputs", to="after.inputs")],
    )
    circuit = nm.connect(
        dict(
            synapse=nm.Hebbian(inputs=2, outputs=2),
            sink=nm.LIF(units=2),
            inner=inner,
            back=nm.RateCell(units=2),
        ),
        [
            wire("inner.after.trace", to="synapse.inputs"),
            wire("inner.growth.outputs", to="synapse.post"),  # a learning input of an earlier one
            wire("synapse.outputs", to="sink.current"),
            wire(delayed("inner.growth.outputs", steps=2), to="back.inputs"),
        ],
    )
    found = nm.where_not_finite(circuit, nm.init(circuit, KEY), steps=20)
    assert found == NotFinite("inner.growth", "inner.growth.outputs", 12, "advance_state")


def by_hand(component: Any, state: Any, steps: int) -> tuple[str, int, str] | None:
    """The first compartment of a bare component, by looking at every one after every verb."""
    for step in range(steps):
        for verb, function in (("advance_state", nm.advance_state), ("evolve", nm.evolve)):
            state = function(component, state, t=float(step), dt=1.0)
            for path in state.specs():
                for leaf in jax.tree.leaves(state[path]):
                    if leaf.dtype.kind == "f" and not np.isfinite(leaf).all():
                        return path, step, verb
    return None


def test_weights_that_diverge_are_found_in_evolve() -> None:
    synapse = nm.Hebbian(inputs=2, outputs=2, eta=1e12, bounds="none")
    state = nm.init(synapse, KEY, batch=2)
    state = state.replace(inputs=jnp.ones((2, 2)), post=1e9 * jnp.ones((2, 2)))
    growing = nm.Oja(inputs=2, outputs=2, eta=30.0)
    oja = nm.init(growing, KEY, batch=2).replace(inputs=3.0 * jnp.ones((2, 2)))
    oja = oja.replace(post=2.0 * jnp.ones((2, 2)))
    for component, begin in ((synapse, state), (growing, oja)):
        expected = by_hand(component, begin, 200)
        found = nm.where_not_finite(component, begin, steps=200, learn=True)
        assert (found and found[1:]) == expected
        if found:
            assert found.verb == "evolve" and found.compartment == "weights"
            assert nm.where_not_finite(component, begin, steps=200) is None
    assert expected is not None


def test_what_is_given_is_told_apart_from_what_is_computed() -> None:
    circuit = nm.connect(
        dict(source=nm.RateCell(units=2), cell=nm.LIF(units=2)),
        [wire("source.outputs", to="cell.current")],
    )
    state = nm.init(circuit, KEY)
    held = nm.where_not_finite(circuit, state.set({"cell.v": jnp.full((1, 2), jnp.nan)}), steps=3)
    assert held == NotFinite("cell", "cell.v", -1, "")
    assert str(held) == "'cell.v' of the given state is not finite"
    clamp = {"source.inputs": jnp.array([[0.0, jnp.nan]])}
    found = nm.where_not_finite(circuit, state, steps=3, clamp=clamp)
    assert found == NotFinite("source", "source.inputs", 0, "advance_state")
    arriving = jnp.zeros((5, 1, 2)).at[3, 0, 1].set(jnp.inf)
    found = nm.where_not_finite(circuit, state, steps=5, inputs={"source.inputs": arriving})
    assert found == NotFinite("source", "source.inputs", 3, "advance_state")
    time = nm.init(Growth(units=2), KEY)
    found = nm.where_not_finite(
        Growth(units=2), time.replace(due=jnp.full((1, 2), jnp.nan)), steps=1
    )
    assert found == NotFinite("", "due", -1, "")


def test_other_numbers_compile_nothing(compilations: Callable[[], int]) -> None:
    growth, state = Growth(units=2), nm.init(Growth(units=2), KEY)
    nm.where_not_finite(growth, state, steps=9, dt=1.0)
    before = compilations()
    nm.where_not_finite(growth.replace(factor=3.0), state, steps=9, dt=0.5)
    assert compilations() == before


def test_mistakes_are_told_in_its_own_name() -> None:
    growth, state = Growth(units=2), nm.init(Growth(units=2), KEY)
    for options, text in (
        (dict(steps=0), "^where_not_finite: steps is a whole number"),
        (dict(steps=2, learn="x"), "^where_not_finite: learn is True or False"),
        (dict(steps=2, clamp={"input": 0}), "^where_not_finite: clamp names 'input'. Did you mean"),
        (dict(steps=2, clamp={"outputs": 0}), "^where_not_finite: clamp names 'outputs', which is"),
        (dict(steps=2, inputs={"inputs": jnp.zeros((1, 2))}), "^where_not_finite: inputs.'inputs'"),
    ):
        with pytest.raises((ValueError, TypeError), match=text):
            nm.where_not_finite(growth, state, **options)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPONENTS)
def test_no_component_is_accused_falsely(name: str) -> None:
    entry = COMPONENTS[name]
    component = entry.build()
    state = entry.prepare(component, nm.init(component, KEY, batch=2))
    values = driven(entry, state, KEY)
    found = nm.where_not_finite(component, state, steps=4, dt=entry.dt, clamp=values, learn=True)
    assert found is None, found
