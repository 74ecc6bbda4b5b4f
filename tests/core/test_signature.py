"""What `help` shows of components and states."""

import inspect
import pydoc

from jax import Array

import ngcmem as nm
from ngcmem.core import NonNegative


class MadeState(nm.State):
    inputs: nm.Input[Array, "units"]
    weights: nm.Shared[Array, "units units"]


class Made(nm.Component[MadeState]):
    units: nm.Static[int]
    rule: nm.Static[nm.plasticity.SlotRule]
    gain: NonNegative | None = None


def test_a_component_shows_its_hyper_parameters_as_declared():
    shown = str(inspect.signature(Made))
    assert shown == "(*, units: int, rule: SlotRule, gain: float | Array | None = None)"
    assert ", tau: float | Array = 20.0, " in str(inspect.signature(nm.LIF))
    assert "0x" not in str(inspect.signature(nm.Hopfield))  # no function's address


def test_a_state_shows_roles_and_axes():
    shown = '(*, inputs: Input[Array, "units"], weights: Shared[Array, "units units"])'
    assert str(inspect.signature(MadeState)) == shown
    assert MadeState.__doc__ == "MadeState" + shown


def test_help_is_there_for_every_class():
    for name in dir(nm):
        if inspect.isclass(public := getattr(nm, name)):
            assert name in pydoc.render_doc(public)
