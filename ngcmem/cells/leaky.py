"""What the leaky spiking cells have in common: a membrane, a threshold, a surrogate gradient."""

from typing import TypeVar

import jax.numpy as jnp
from jax import Array

from ngcmem.cells.surrogate import Shape, spike, surrogate_shape
from ngcmem.core import (
    Component,
    Input,
    PerExample,
    Positive,
    PositiveOrInf,
    Real,
    RealOrInf,
    State,
    Static,
    Units,
    approach,
    check_choice,
    zeros_per_unit,
)


class LeakyState(State):
    """Compartments of every leaky cell."""

    current: Input[Array, "units"]  # input current, nA
    jump: Input[Array, "units"]  # what delta synapses add to v in this step, mV
    v: PerExample[Array, "units"]  # membrane potential, mV
    v_rounding: PerExample[Array, "units"]  # what the digits of v do not hold, mV
    spikes: PerExample[Array, "units"]  # 0 or 1


S = TypeVar("S", bound=LeakyState)


class LeakyCell(Component[S]):
    """A leaky membrane with a threshold; abstract, its subclasses say when and whom it resets.

        tau dv/dt = v_rest - v + resistance * current;      v <- v + jump at the end of a step

    `current` is held during the step, `jump` is what arrives in it at once (`nm.EventSynapse`,
    `nm.WhiteNoise`, `nm.PoissonInput`); neither reaches a membrane that rests. Reference: Dayan and
    Abbott (2001), Theoretical Neuroscience, section 5.4.

    Attributes:
        integration: "exact" for a current held during the step, or "euler" (first order, stable
            for dt < 2 tau).
        surrogate, surrogate_width: the gradient of a spike, see `ngcmem.cells.surrogate`.

    Raises:
        ValueError: an unknown `integration` or `surrogate`.
    """

    units: Units
    tau: PositiveOrInf = 20.0  # ms
    resistance: Real = 1.0  # MOhm
    v_rest: Real = -65.0  # mV
    v_reset: Real = -65.0  # mV
    v_threshold: RealOrInf = -52.0  # mV
    surrogate_width: Positive = 5.0  # mV
    surrogate: Static[str | Shape] = "arctan"
    integration: Static[str] = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(type(self).__name__, "integration", self.integration, ("exact", "euler"))
        surrogate_shape(self.surrogate)

    def init_common(self) -> dict[str, Array]:
        """The compartments of `LeakyState`, for a subclass's `init`."""
        zeros = zeros_per_unit(self)
        return dict(
            current=zeros, jump=zeros, v=zeros + self.v_rest, v_rounding=zeros, spikes=zeros
        )

    def charged(self, state: S, dt: Array) -> tuple[Array, Array]:
        """The membrane potential after dt, before any threshold is tested, and its rounding."""
        v_inf = self.v_rest + self.resistance * state.current
        return approach(
            state.v,
            state.v_rounding,
            v_inf,
            self.tau,
            dt,
            jump=state.jump,
            integration=self.integration,
        )

    def after_reset(self, at_reset: Array, v: Array, rounding: Array) -> dict[str, Array]:
        """The compartments of the membrane: `v_reset` and nothing more where it was reset."""
        return dict(
            v=jnp.where(at_reset, self.v_reset, v), v_rounding=jnp.where(at_reset, 0.0, rounding)
        )

    def fires(self, distance: Array) -> Array:
        """1 where the potential stands at or above its threshold, with the surrogate gradient."""
        return spike(distance, self.surrogate_width, self.surrogate)
