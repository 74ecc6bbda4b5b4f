"""A ring attractor: a bump of activity that keeps an angle, and turns at a given speed."""

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    Component,
    Input,
    NonNegative,
    PerExample,
    Positive,
    Real,
    State,
    Static,
    approach,
)


class RingAttractorState(State):
    inputs: Input[Array, "units"]  # cue, added to the background
    velocity: Input[Array, ""]  # of the bump, rad/s
    outputs: PerExample[Array, "units"]  # rates r; unit i stands at the angle 2 pi i / units
    outputs_rounding: PerExample[Array, "units"]  # what the digits of the outputs do not hold
    angle: PerExample[Array, ""]  # where the bump is, rad, from -pi to pi
    amplitude: PerExample[Array, ""]  # first Fourier mode of the rates; 0 where there is no bump
    key: PerExample[Array, ""]


class RingAttractor(Component[RingAttractorState]):
    """Rate cells on a ring whose bump of activity remembers an angle and integrates a velocity.

        tau dr_i/dt = -r_i + max(h_i, 0)
        h_i = mean_j [J0 + J1 cos(th_i - th_j) + J1 tau velocity sin(th_i - th_j)] r_j
              + background + inputs_i + sigma xi_i / sqrt(dt)

    by Euler steps, with J0 = `uniform_weight`, J1 = `cosine_weight`. The sine, the asymmetric part
    of the coupling, turns the bump by `velocity`: every stationary bump leads its own drive by the
    angle whose tangent is velocity * tau. Of finite steps, the turn per step d obeys
    sin(d) = velocity tau (cos(d) - 1 + dt / tau), which is velocity * dt for dt << tau. Couplings
    are applied in O(units), through three sums.

    A bump needs J1 > 2 and enough uniform inhibition, else rates fade to a uniform state or grow
    without bound. Under noise the angle diffuses, with variance per time
    sigma^2 / (tau^2 sum_active (dr/dth)^2), proportional to 1 / units; few units pin the bump.
    `angle` jumps from pi to -pi: unwrap a record of it (`numpy.unwrap`). A torus is two rings.
    A new state has its bump at angle 0; a cue that is large beside the background moves it. Units:
    ms, rad, rad/s. References: Ben-Yishai, Bar-Or and Sompolinsky (1995),
    doi:10.1073/pnas.92.9.3844; Zhang (1996), doi:10.1523/JNEUROSCI.16-06-02112.1996; Burak and
    Fiete (2012), doi:10.1073/pnas.1117386109 (diffusion).

    Attributes:
        sigma: of the noise in the drive, its unit times the square root of ms.
    """

    units: Static[int]
    uniform_weight: Real = -6.0  # J0
    cosine_weight: Positive = 6.0  # J1
    background: Real = 1.0  # the same drive for all
    tau: Positive = 10.0  # ms
    sigma: NonNegative = 0.0

    def init(self, key: Array) -> RingAttractorState:
        bump = jnp.maximum(jnp.cos(self._angles()), 0.0)
        _, cosine, sine = self._modes(bump)
        zeros = jnp.zeros(self.units)
        return RingAttractorState(
            inputs=zeros,
            velocity=jnp.zeros(()),
            outputs=bump,
            outputs_rounding=zeros,
            angle=jnp.arctan2(sine, cosine),
            amplitude=jnp.hypot(cosine, sine),
            key=key,
        )

    def advance_state(self, state: RingAttractorState, t: Array, dt: Array) -> RingAttractorState:
        key, draw = jax.random.split(state.key)
        noise = jax.random.normal(draw, (self.units,), state.outputs.dtype)
        angles = self._angles()
        mean, cosine, sine = self._modes(state.outputs)
        turn = self.tau * state.velocity / 1000.0  # rad/s to rad/ms
        coupled = self.uniform_weight * mean + self.cosine_weight * (
            (cosine - turn * sine) * jnp.cos(angles) + (sine + turn * cosine) * jnp.sin(angles)
        )
        drive = coupled + self.background + state.inputs + self.sigma * noise / jnp.sqrt(dt)
        outputs, rounding = approach(
            state.outputs,
            state.outputs_rounding,
            jnp.maximum(drive, 0.0),
            self.tau,
            dt,
            integration="euler",
        )
        _, cosine, sine = self._modes(outputs)
        return state.replace(
            outputs=outputs,
            outputs_rounding=rounding,
            angle=jnp.arctan2(sine, cosine),
            amplitude=jnp.hypot(cosine, sine),
            key=key,
        )

    def _angles(self) -> Array:
        return jnp.linspace(0.0, 2 * jnp.pi, self.units, endpoint=False)

    def _modes(self, rates: Array) -> tuple[Array, Array, Array]:
        """The means of r, r cos(th) and r sin(th)."""
        angles = self._angles()
        return (
            jnp.mean(rates),
            jnp.mean(rates * jnp.cos(angles)),
            jnp.mean(rates * jnp.sin(angles)),
        )
