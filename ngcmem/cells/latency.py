"""Latency encoder: the stronger the input, the earlier its one spike."""

import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    PerExample,
    State,
    Static,
    ZeroToOne,
    check_choice,
    zeros_per_unit,
)


class LatencyState(State):
    inputs: Input[Array, "units", ZeroToOne()]  # intensity, 0..1
    spikes: PerExample[Array, "units"]  # 0 or 1, at most one 1 between resets
    elapsed: PerExample[Array, ""]  # time since the reset, ms
    waiting: PerExample[Array, "units"]  # 1 until the unit has fired


class Latency(Component[LatencyState]):
    """One spike per unit, at a time that falls with the input.

        linear:       t_spike = window (1 - inputs)
        logarithmic:  t_spike = tau ln(inputs / (inputs - threshold)), at most `window`

    The logarithmic code is the time at which a leaky membrane driven by `inputs` reaches
    `threshold`. Inputs at or below `threshold` never fire; an input of 1 fires at 0 in the linear
    code. A spike falls in the step of length dt that contains t_spike. `nm.reset` starts the next
    presentation. Units: ms. Reference: Thorpe, Delorme and Van Rullen (2001), Neural Networks
    14:715, doi:10.1016/S0893-6080(01)00083-1; Rueckauer and Liu (2018),
    doi:10.1109/ISCAS.2018.8351295.

    Raises:
        ValueError: an unknown `code`.
    """

    units: Static[int]
    window: float | Array = 50.0  # ms
    tau: float | Array = 10.0  # ms
    threshold: float | Array = 0.01  # in the unit of the inputs
    code: Static[str] = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("Latency", "code", self.code, ("linear", "logarithmic"))

    def init(self, key: Array) -> LatencyState:
        zeros = zeros_per_unit(self)
        return LatencyState(inputs=zeros, spikes=zeros, elapsed=jnp.zeros(()), waiting=zeros + 1.0)

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
        elapsed = state.elapsed + dt
        due = self.spike_times(state.inputs) < elapsed
        spikes = jnp.where(due, state.waiting, 0.0)
        return state.replace(spikes=spikes, elapsed=elapsed, waiting=state.waiting - spikes)
