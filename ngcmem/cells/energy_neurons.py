"""A layer of neurons that descends the energy of its circuit, whatever its activation."""

import jax.numpy as jnp
from jax import Array

from ngcmem.cells.lagrangians import Lagrangian, QuadraticLagrangian
from ngcmem.core import Component, Input, PerExample, PositiveOrInf, State, Static, approach


class EnergyNeuronsState(State):
    drive: Input[Array, "units"]  # -dE/d(outputs) of all synapses together
    held: Input[Array, "units"]  # 1: keeps its x; 0: free
    x: PerExample[Array, "units"]
    rounding: PerExample[Array, "units"]  # what the digits of x do not hold
    outputs: PerExample[Array, "units"]  # the activation g = dL/dx
    energy: PerExample[Array, ""]  # x . g - L(x)
    begun: PerExample[Array, ""]  # 0 after init and reset: drives are not there yet


class EnergyNeurons(Component[EnergyNeuronsState]):
    """A layer with a Lagrangian, which with hypersynapses makes a circuit with one energy.

        g = dL/dx,   E = x . g - L(x),   tau dx/dt = drive - x = -dE_total/dg

    by Euler steps of dt / tau. Wire the drives of its synapses here `delayed`, and `outputs` to the
    synapses at once: then the step is exact Euler and all energies, added by `nm.TotalEnergy`, are
    of one state. The total never rises for small dt / tau, since L is convex:
    dE/dt = -sum tau x' H x'. With dt = tau a free layer takes the x that minimises the energy with
    the others held; layers that no synapse joins may do so together, others in turn (`held`), if
    every synapse is linear in each layer. All at once with dt = tau may raise it.

    The first step after `init` and `reset` only brings `outputs` and `energy` up to date with `x`,
    since there are no drives yet: set `x` before it. Units: ms. Reference: Krotov and Hopfield
    (2021), arXiv:2008.06996; Hoover and others (2022), A universal abstraction for hierarchical
    Hopfield networks, NeurIPS workshop.

    Attributes:
        lagrangian: L, one of `nm.cells`: `QuadraticLagrangian()` (g = x), `ReluLagrangian()`,
            `TanhLagrangian()`, `SigmoidLagrangian()`, `SoftmaxLagrangian()`,
            `LayerNormLagrangian()`, `SphericalLagrangian()`, or one of your own.
    """

    units: Static[int]
    lagrangian: Lagrangian = QuadraticLagrangian()
    tau: PositiveOrInf = 10.0  # ms

    def init(self, key: Array) -> EnergyNeuronsState:
        zeros = jnp.zeros(self.units)
        outputs, energy = self.lagrangian.activation_and_energy(zeros)
        return EnergyNeuronsState(
            drive=zeros,
            held=zeros,
            x=zeros,
            rounding=zeros,
            outputs=outputs,
            energy=energy,
            begun=jnp.zeros(()),
        )

    def advance_state(self, state: EnergyNeuronsState, t: Array, dt: Array) -> EnergyNeuronsState:
        moved, rounding = approach(
            state.x, state.rounding, state.drive, self.tau, dt, integration="euler"
        )
        free = (state.held == 0) & (state.begun > 0)
        x = jnp.where(free, moved, state.x)
        outputs, energy = self.lagrangian.activation_and_energy(x)
        return state.replace(
            x=x,
            rounding=jnp.where(free, rounding, 0.0),
            outputs=outputs,
            energy=energy,
            begun=jnp.ones_like(state.begun),
        )
