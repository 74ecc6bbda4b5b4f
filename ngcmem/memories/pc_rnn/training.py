"""Training of a PC-RNN on sequences by back-propagation through time."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from ngcmem.drivers import as_duration, as_scalar, canonical, checked
from ngcmem.memories.pc_rnn._sequences import as_sequences
from ngcmem.memories.pc_rnn.predictive_coding_rnn import (
    LEARNED,
    PredictiveCodingRNN,
    PredictiveCodingRNNState,
)

ADAM_WITH_L2 = optax.chain(optax.add_decayed_weights(1e-4), optax.adam(0.03))
"""Adam with coupled L2: the decay is added to the gradient before Adam, as in torch's Adam."""

TRAINED = ("mus", *LEARNED)


def generate_sequences(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    causes: ArrayLike,
    steps: int,
    dt: ArrayLike = 1.0,
) -> Array:
    """The sequences that hidden causes generate, without inference.

    Args:
        component: the network; without its inference and its prior.
        state: its state, of any batch.
        causes: (batch, causes), such as `state.mus`.
        steps: the length of the sequences.
        dt: the length of a step, ms.

    Returns:
        (steps, batch, outputs).
    """
    causes = jnp.asarray(causes, state.mus.dtype)
    if causes.ndim != 2 or causes.shape[1] != component.causes:
        raise ValueError(
            f"generate_sequences: causes has shape {causes.shape}, expected "
            f"(batch, {component.causes}). For one cause write causes[None]."
        )
    dt = as_scalar(as_duration(dt))
    return _generate(canonical(checked(component)), state, causes, dt, steps=int(steps))


@partial(jax.jit, static_argnames="steps")
def _generate(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    causes: Array,
    dt: Array,
    *,
    steps: int,
) -> Array:
    """The component's top-down steps alone: constant causes, one product reads all outputs."""
    drive = component.drive(state, causes)

    def step(hidden: Array, _: None) -> tuple[Array, Array]:
        hidden = component.prior(state, hidden, drive, dt)
        return hidden, hidden

    begin = jnp.broadcast_to(state.h_init, drive.shape)
    return component.read_out(state, jax.lax.scan(step, begin, length=steps)[1])


def train_sequences(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    sequences: ArrayLike,
    *,
    iterations: int = 2000,
    optimizer: optax.GradientTransformation = ADAM_WITH_L2,
    optimizer_state: Any = None,
    names: Sequence[str] = TRAINED,
    keep_best: bool = False,
    dt: ArrayLike = 1.0,
) -> tuple[PredictiveCodingRNNState, Array, Any]:
    """Learn to generate sequence i from the cause `mus[i]`, by back-propagation through time.

    The loss is the mean over steps, sequences and outputs of error^2, in generation mode.

    Args:
        component: the network, with as many `patterns` as there are sequences.
        state: its state, of any batch.
        sequences: time-major, (steps, patterns, outputs).
        iterations: full-batch updates. Published: 1,000, where the loss still falls; retrieval
            stays with the right cause more often after 2,000 (docs/predictive_coding.md).
        optimizer: any optax optimiser; make it once, every new one compiles again.
        optimizer_state: returned by an earlier call, to train on.
        names: what is trained; add "h_init" to train the initial hidden state too (published: a
            fixed random vector).
        keep_best: return the weights of the smallest loss instead of the last ones: the loss of
            this training has spikes, and the last iteration may be on one.
        dt: the length of a step, ms.

    Returns:
        The trained state, the losses (iterations,), and the optimiser's state.

    Raises:
        ValueError: sequences of another shape, or a name that cannot be trained.
    """
    targets = as_sequences(component, state, sequences, "train_sequences")
    if targets.shape[0] == component.n_patterns != targets.shape[1]:
        raise ValueError(
            f"train_sequences: sequences has shape {targets.shape}, expected (steps, "
            f"patterns={component.n_patterns}, {component.outputs}): time first. For (patterns, "
            f"steps, {component.outputs}) write sequences.transpose(1, 0, 2)."
        )
    if targets.shape[1] != component.n_patterns:
        raise ValueError(
            f"train_sequences: {targets.shape[1]} sequences for patterns={component.n_patterns}: "
            f"there is one cause per sequence. Write PredictiveCodingRNN(..., "
            f"patterns={targets.shape[1]})."
        )
    for name in names:
        if name not in (*TRAINED, "h_init"):
            raise ValueError(
                f"train_sequences: names has {name!r}; it takes {', '.join(TRAINED)}, h_init."
            )
    params = {name: state[name] for name in names}
    if optimizer_state is None:
        optimizer_state = optimizer.init(params)
    params, optimizer_state, losses = _train(
        canonical(checked(component)),
        state,
        params,
        optimizer_state,
        targets,
        as_scalar(as_duration(dt)),
        optimizer=optimizer,
        iterations=int(iterations),
        keep_best=bool(keep_best),
    )
    return state.replace(**params), losses, optimizer_state


@partial(jax.jit, static_argnames=("optimizer", "iterations", "keep_best"))
def _train(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    params: dict[str, Array],
    optimizer_state: Any,
    targets: Array,
    dt: Array,
    *,
    optimizer: optax.GradientTransformation,
    iterations: int,
    keep_best: bool,
) -> Any:
    def loss(params: dict[str, Array]) -> Array:
        learned = state.replace(**params)
        made = _generate(component, learned, learned.mus, dt, steps=len(targets))
        return jnp.mean((made - targets) ** 2)

    def update(carry: Any, _: None) -> Any:
        params, optimizer_state, best = carry
        value, slopes = jax.value_and_grad(loss)(params)
        if keep_best:
            better, (least, kept) = value < best[0], best
            kept = jax.tree.map(lambda new, old: jnp.where(better, new, old), params, kept)
            best = jnp.where(better, value, least), kept
        with jax.numpy_dtype_promotion("standard"):  # optax adds its integer count
            steps, optimizer_state = optimizer.update(slopes, optimizer_state, params)
        return (optax.apply_updates(params, steps), optimizer_state, best), value

    best = (jnp.asarray(jnp.inf, targets.dtype), params) if keep_best else None
    (params, optimizer_state, best), losses = jax.lax.scan(
        update, (params, optimizer_state, best), length=iterations
    )
    return params if best is None else best[1], optimizer_state, losses
