"""Latency encoder: the stronger the input, the earlier its one spike."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    State,
    Static,
    Units,
    ZeroToOne,
    carry,
    check_choice,
    has_begun,
    zeros_per_unit,
)


class LatencyState(State):
    inputs: Input[Array, "units", ZeroToOne()]  # intensity, 0..1
    spikes: PerExample[Array, "units"]  # 0 or 1, at most one 1 between resets
    elapsed: PerExample[Array, ""]  # time since the reset, ms
    rounding: PerExample[Array, ""]  # what the digits of `elapsed` do not hold, ms
    waiting: PerExample[Array, "units"]  # 1 until the unit has fired


class Latency(Component[LatencyState]):
    """One spike per unit, at a time that falls with the input.

        linear:       t_spike = window (1 - inputs)
        logarithmic:  t_spike = tau ln(inputs / (inputs - threshold)), at most `window`

    The logarithmic code is the time at which a leaky membrane driven by `inputs` reaches
    `threshold`. Inputs at or below `threshold` never fire; an input of 1 fires at 0 in the linear
    code. A spike falls in the step of length dt that contains t_spike; within a thousandth of a
    step of a border it falls in the later of the two. `nm.reset` starts the next presentation.
    Units: ms. Reference: Thorpe, Delorme and Van Rullen (2001), Neural Networks 14:715,
    doi:10.1016/S0893-6080(01)00083-1; Rueckauer and Liu (2018), doi:10.1109/ISCAS.2018.8351295.

    Raises:
        ValueError: an unknown `code`.
    """

    units: Units
    window: NonNegative = 50.0  # ms
    tau: NonNegative = 10.0  # ms
    threshold: NonNegative = 0.01  # in the unit of the inputs
    code: Static[str] = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Latency", "code", self.code, ("linear", "logarithmic"))

    def init(self, key: Array) -> LatencyState:
        zeros = zeros_per_unit(self)
        none = jnp.zeros(())
        return LatencyState(
            inputs=zeros, spikes=zeros, elapsed=none, rounding=none, waiting=zeros + 1.0
        )

    def spike_times(self, inputs: Array) -> Array:
        """When each input fires, ms; infinite for those that never do."""
        fires = inputs > self.threshold
        if self.code == "linear":
            times = self.window * (1.0 - jnp.minimum(inputs, 1.0))
        else:
            above = jnp.where(fires, inputs, self.threshold + 1.0)
            times = jnp.minimum(-self.tau * jnp.log1p(-self.threshold / above), self.window)
        return jnp.where(fires, times, jnp.inf)

    def advance_state(self, state: LatencyState, t: Array, dt: Array) -> LatencyState:
        due = has_begun(self.spike_times(state.inputs), state.elapsed, dt)
        spikes = jnp.where(due, state.waiting, 0.0)
        elapsed, rounding = carry(state.elapsed, state.rounding, dt)
        return state.replace(
            spikes=spikes, elapsed=elapsed, rounding=rounding, waiting=state.waiting - spikes
        )
