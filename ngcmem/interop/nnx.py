"""Memories and circuits as layers of a Flax network (`flax.nnx`).

class Network(nnx.Module):
    def __init__(self, rngs):
        memory = nm.Hopfield(slots=16, features=32, beta=4.0)
        self.encoder = nnx.Linear(64, 32, rngs=rngs)
        self.memory = MemoryLayer(
            memory, params=("weights",), hyper_params=("beta",), rngs=rngs
        )

    def __call__(self, images):
        return self.memory(self.encoder(images))
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.typing import ArrayLike

from ngcmem.circuits import hyperparameters
from ngcmem.core import AnyState, Component, Memory, did_you_mean, path_of, trained_paths
from ngcmem.drivers import advance_state, batch_of, evolve, init, rebatch, recall, reset, run, store


class StateVariable(nnx.Variable):
    """An array of a state that is stored, learned or computed, not trained by gradients."""


class FixedParameter(nnx.Variable):
    """A hyper-parameter that is not trained by gradients."""


class _Layer(nnx.Module):
    """A component and its state, every array of them an nnx variable with its path as its name."""

    def __init__(
        self,
        component: Component,
        state: AnyState,
        params: Sequence[str],
        hyper_params: Sequence[str],
    ):
        place, kind = type(self).__name__, type(component).__name__
        numbers = hyperparameters(component)
        for name in hyper_params:
            if name not in numbers:
                raise ValueError(
                    f"{place}: hyper_params names {name!r}, no hyper-parameter of {kind}."
                    + did_you_mean(name, numbers)
                )
        arrays = {path_of(keys): x for keys, x in jax.tree_util.tree_flatten_with_path(state)[0]}
        trainable = [name for name in arrays if name in trained_paths(state)]
        for name in params:
            if name not in trainable:
                known = ", ".join(trainable) or "nothing"
                raise ValueError(
                    f"{place}: params names {name!r}, which gradients cannot train; {kind} has "
                    f"{known} to train." + did_you_mean(name, trainable)
                )
        self.hyper_parameters = nnx.Dict()
        for name, value in numbers.items():
            variable = nnx.Param if name in hyper_params else FixedParameter
            self.hyper_parameters[name] = variable(jnp.asarray(value))
        self.compartments = nnx.Dict()
        for name, value in arrays.items():
            variable = nnx.Param if name in params else StateVariable
            self.compartments[name] = variable(jnp.asarray(value))
        self._component_paths, self._state_paths = tuple(numbers), tuple(arrays)
        self._component_tree = jax.tree.structure(component)
        self._state_tree = jax.tree.structure(state)

    @property
    def component(self) -> Any:
        """The component with its hyper-parameters as they are now."""
        values = [self.hyper_parameters[name].get_value() for name in self._component_paths]
        return jax.tree.unflatten(self._component_tree, values)

    @property
    def state(self) -> Any:
        """The component's state as it is now; `write_state` changes it."""
        values = [self.compartments[name].get_value() for name in self._state_paths]
        return jax.tree.unflatten(self._state_tree, values)

    def write_state(self, new: AnyState) -> None:
        """Keep a state of the same batch in the layer's variables.

        Raises:
            ValueError: the state of another component, or of another batch.
        """
        if jax.tree.structure(new) != self._state_tree:
            raise ValueError(
                f"{type(self).__name__}: this is the state of another component than the layer's."
            )
        for name, value in zip(self._state_paths, jax.tree.leaves(new), strict=True):
            old = self.compartments[name].get_value()
            if value.shape != old.shape:
                raise ValueError(
                    f"{type(self).__name__}: {name} has shape {value.shape}, expected "
                    f"{old.shape}. For another batch size write "
                    f"nm.rebatch(layer.component, state, batch=...)."
                )
            if value is not old:
                self.compartments[name].set_value(value)


class MemoryLayer(_Layer):
    """Recall from a memory as a layer: probes (..., features) to outputs (..., features).

    Gradients of the outputs reach the probes and, where they are named, what is stored (`params`,
    paths of the state) and hyper-parameters (`hyper_params`). These are `nnx.Param`; all else is
    `StateVariable` or `FixedParameter`, which an optimiser of `nnx.Param` leaves alone.
    What is stored can also change in the forward pass, by `store` and `learn`: the layer's
    variables are written, as batch statistics are. `nnx.split`, `merge`, `jit`, `grad`, `vmap`
    and `scan` see one variable for every array.

    Args:
        memory: any `nm.Memory`.
        steps: of every recall, as in `nm.recall`.
        params: what gradients train: paths of Shared floating compartments, ("weights",).
        hyper_params: hyper-parameters that gradients train, ("beta",). A value that training
            moves out of its domain gives outputs of NaN.
        state: what the memory knows at the start; by default that of `nm.init`, which for a
            memory of slots has none in use: `store` patterns before you train them.
        batch: the number of examples of the layer's own state; it matters only for memories that
            remember per example (`nm.FastWeights`), whose probes come in this batch.
        rngs: for `nm.init`, its stream `params`.

    Raises:
        TypeError: the first argument is no memory.
        ValueError: a name in `params` or `hyper_params` that cannot be trained.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        steps: int = 1,
        params: Sequence[str] = (),
        hyper_params: Sequence[str] = (),
        state: AnyState | None = None,
        batch: int = 1,
        rngs: nnx.Rngs | None = None,
    ):
        if not isinstance(memory, Memory):
            raise TypeError(
                f"MemoryLayer: takes a memory, got {type(memory).__name__}. For a circuit or "
                f"another component write CircuitLayer(...)."
            )
        super().__init__(
            memory, _start("MemoryLayer", memory, state, batch, rngs), params, hyper_params
        )
        self.steps = steps

    def __call__(
        self, probes: Any, *, known: Any = None, key: Array | None = None, **other_inputs: Any
    ) -> Any:
        """What the memory recalls; leading axes of the probes (a dict of fields too) are kept."""
        leading = _leading(self.component, self.state, probes)
        given = {name: _rows(value, leading) for name, value in other_inputs.items()}
        if known is not None:
            given["known"] = _rows(known, leading)
        steps = {"steps": self.steps} if self.steps != 1 else {}
        outputs = recall(
            self.component, self.state, _rows(probes, leading), key=key, **steps, **given
        )
        return jax.tree.map(lambda x: x.reshape(*leading, *x.shape[1:]), outputs)

    def store(self, patterns: Any, targets: Any = None, *, key: Array | None = None) -> None:
        """Write patterns (..., features) into the layer, in order, as `nm.store` does."""
        leading = _leading(self.component, self.state, patterns)
        targets = None if targets is None else _rows(targets, leading)
        self.write_state(
            store(self.component, self.state, _rows(patterns, leading), targets, key=key)
        )

    def learn(self, probes: Any, **other_inputs: Any) -> Any:
        """One step of the memory (`nm.advance_state`), then one of its own rule (`nm.evolve`).

        Returns:
            The outputs of the step, (..., features).
        """
        memory, before = self.component, self.state
        leading = _leading(memory, before, probes)
        given = {"inputs": probes, **other_inputs}
        rows = {name: _rows(value, leading) for name, value in given.items()}
        count, own = jax.tree.leaves(rows["inputs"])[0].shape[0], batch_of(before)
        state = before if count == own else rebatch(memory, before, batch=count)
        state = advance_state(memory, state.set(rows))
        state = evolve(memory, state) if memory.learns else state
        outputs = state["outputs"]
        self.write_state(state if count == own else rebatch(memory, state, batch=own))
        return jax.tree.map(lambda x: x.reshape(*leading, *x.shape[1:]), outputs)


class CircuitLayer(_Layer):
    """A circuit, or another component, as a layer: inputs held for some steps, outputs recorded.

    Every call begins at rest (`nm.reset`) with a batch as large as the inputs'. Gradients go
    through time to the inputs, `params` and `hyper_params`, as in `MemoryLayer`.

    Args:
        circuit: a circuit or component.
        inputs: the path of the Input that is held, "pixels.inputs".
        outputs: the path that is recorded, "cell.spikes".
        steps: the number of steps of a call.
        dt: the length of a step, ms.
        learn: whether the circuit's own rules learn in every step; the layer keeps the result.
        params, hyper_params, state, rngs: as in `MemoryLayer`.

    Raises:
        ValueError: paths that are not there, or names that cannot be trained.
    """

    def __init__(
        self,
        circuit: Component,
        *,
        inputs: str,
        outputs: str,
        steps: int,
        dt: float = 1.0,
        learn: bool = False,
        params: Sequence[str] = (),
        hyper_params: Sequence[str] = (),
        state: AnyState | None = None,
        rngs: nnx.Rngs | None = None,
    ):
        start = _start("CircuitLayer", circuit, state, 1, rngs)
        for place, path in (("inputs", inputs), ("outputs", outputs)):
            if start.spec(path) is None:
                raise ValueError(
                    f"CircuitLayer: {place} names {path!r}." + did_you_mean(path, start.specs())
                )
        super().__init__(circuit, start, params, hyper_params)
        self.inputs, self.outputs = inputs, outputs
        self.steps, self.dt, self.learn = steps, dt, learn

    def __call__(self, inputs: ArrayLike, *, key: Array | None = None) -> Array:
        """The outputs of every step, (steps, batch, ...), of inputs (batch, ...).

        Args:
            inputs: held during all steps.
            key: of the noise of this call; without it every call draws the same.
        """
        circuit, before, own = self.component, self.state, batch_of(self.state)
        state = rebatch(circuit, before, batch=jnp.shape(inputs)[0], key=key)
        state, seen = run(
            circuit,
            state,
            steps=self.steps,
            dt=self.dt,
            clamp={self.inputs: inputs},
            record=self.outputs,
            learn=self.learn,
        )
        if self.learn:
            self.write_state(reset(circuit, rebatch(circuit, state, batch=own)))
        return seen[self.outputs]


def _start(
    place: str, component: Any, state: AnyState | None, batch: int, rngs: nnx.Rngs | None
) -> AnyState:
    if state is not None:
        return state
    if rngs is None:
        raise ValueError(f"{place}: give rngs=nnx.Rngs(0), or the state= to begin with.")
    return init(component, rngs.params(), batch)


def _leading(memory: Memory, state: AnyState, probes: Any) -> tuple[int, ...]:
    """The axes of the probes before those of one example."""
    own = jax.tree.leaves(state["inputs"])[0].ndim - 1
    shape = jnp.shape(jax.tree.leaves(probes)[0])
    if len(shape) <= own:
        raise ValueError(
            f"{type(memory).__name__} as a layer takes probes (..., features), got shape {shape}. "
            f"For a single probe write probe[None]."
        )
    return shape[: len(shape) - own]


def _rows(values: Any, leading: tuple[int, ...]) -> Any:
    def flat(x: Any) -> Any:
        x = jnp.asarray(x)
        return x.reshape(-1, *x.shape[len(leading) :])

    return jax.tree.map(flat, values)
