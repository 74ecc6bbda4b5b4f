"""A synapse of any number of layers, given by its energy."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import Component, Input, NonNegative, PerExample, Shared, State, Static
from ngcmem.plasticity import apply_change, check_learning, init_optimizer
from ngcmem.synapses.interactions import DenseInteraction, Interaction


class HyperSynapseState(State):
    inputs: Input[dict[str, Array], ""]  # the activations of the layers, by name
    drives: PerExample[dict[str, Array], ""]  # -dE/d(activation) of every layer, by name
    energy: PerExample[Array, ""]
    weights: Shared[Any, ""]  # of the interaction
    optimizer_state: Shared[Any, ""]


class HyperSynapse(Component[HyperSynapseState]):
    """One energy of the activations of several layers; its slopes drive them.

        E(g_a, g_b, ...),   drives_a = -dE/dg_a,   dW = -dE/dW (mean of the batch)

    one reverse pass for all drives. Wire `"a.outputs"` to `"synapse.inputs.a"`, and
    `delayed("synapse.drives.a")` to `"a.drive"`, for every layer. `evolve` lowers the energy of the
    present state: for a dense interaction that is Hebb's rule, the mean of g_a outer g_b. What
    equilibrium propagation wants is a difference of two such `nm.weight_changes`, (nudged - free)
    / beta, where the nudge is a `DifferenceInteraction(strength=beta)` with the targets: minus the
    gradient of the loss as beta goes to 0. References: Krotov and Hopfield (2021),
    arXiv:2008.06996; Scellier and Bengio (2017), doi:10.3389/fncom.2017.00024.

    Attributes:
        layers: units by name, in the order that the interaction takes them: `{"a": 30, "b": 20}`.
        interaction: E, one of `nm.synapses` (`DenseInteraction()`, `ThreeWayInteraction()`,
            `ConvolutionInteraction(...)`, `MemoryInteraction(...)`, `AttentionInteraction(...)`,
            `DifferenceInteraction()`) or one of your own.

    Raises:
        ValueError: as many layers as the interaction does not join, or `eta` and `optimizer`.
    """

    layers: Static[Any]
    interaction: Interaction = DenseInteraction()
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_learning("HyperSynapse", self.eta, self.optimizer)
        pairs = self.layers.items() if isinstance(self.layers, Mapping) else self.layers
        object.__setattr__(self, "layers", tuple((name, size) for name, size in pairs))
        if len(self.layers) != self.interaction.joins:
            kind = type(self.interaction).__name__
            raise ValueError(
                f"HyperSynapse: {kind} joins {self.interaction.joins} layers, got "
                f"layers={dict(self.layers)!r}."
            )

    def init(self, key: Array) -> HyperSynapseState:
        layers = {name: jnp.zeros(size) for name, size in self.layers}
        weights = self.interaction.init_weights(key, tuple(size for _, size in self.layers))
        return HyperSynapseState(
            inputs=layers,
            drives=layers,
            energy=jnp.zeros(()),
            weights=weights,
            optimizer_state=init_optimizer(self.optimizer, weights),
        )

    def _energy(self, weights: Any, inputs: dict[str, Array]) -> Array:
        return self.interaction.energy(weights, tuple(inputs[name] for name, _ in self.layers))

    def advance_state(self, state: HyperSynapseState, t: Array, dt: Array) -> HyperSynapseState:
        energy, slopes = jax.value_and_grad(self._energy, argnums=1)(state.weights, state.inputs)
        return state.replace(energy=energy, drives=jax.tree.map(jnp.negative, slopes))

    def weight_changes(self, state: HyperSynapseState, t: Array, dt: Array) -> Any:
        def mean_energy(weights: Any) -> Array:
            return jnp.mean(jax.vmap(self._energy, in_axes=(None, 0))(weights, state.inputs))

        return jax.tree.map(jnp.negative, jax.grad(mean_energy)(state.weights))

    def evolve(self, state: HyperSynapseState, t: Array, dt: Array) -> HyperSynapseState:
        weights, optimizer_state = apply_change(
            state.weights,
            self.weight_changes(state, t, dt),
            state.optimizer_state,
            eta=self.eta,
            optimizer=self.optimizer,
        )
        return state.replace(weights=weights, optimizer_state=optimizer_state)
