"""Which stored sequence is this? Retrieval of the hidden causes of a PC-RNN."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ngcmem.core import Pytree
from ngcmem.drivers import as_duration, as_scalar, canonical, checked, init_batch, run, typed_key
from ngcmem.memories.pc_rnn._sequences import as_sequences
from ngcmem.memories.pc_rnn.predictive_coding_rnn import (
    PredictiveCodingRNN,
    PredictiveCodingRNNState,
)

ANNEALED = {"alpha_h": 0.2, "sigma_r": 1400.0, "noise_exponent": 3.0}
"""Steering for `cooling=0.1` over 1,000 trials: nothing is chosen by error. Write
`infer_causes(net.replace(**nm.memories.ANNEALED), ..., cooling=0.1)`, see
docs/predictive_coding.md."""

METROPOLIS = {"alpha_h": 0.5, "sigma_r": 4.0}
"""Steering for `temperature=0.01`: a trial that made the error worse by d is kept with
probability exp(-d / temperature) and else taken back. An acceptance rule, not a sampler: the
proposals are not symmetric. Write
`infer_causes(net.replace(**nm.memories.METROPOLIS), ..., temperature=0.01)`."""


class InferredCauses(Pytree):
    """What every trial of a retrieval found."""

    causes: Array  # (trials, sequences, causes), of those kept
    errors: Array  # (trials, sequences): mean distance of the sequence generated from them
    best: Array  # (sequences, causes): those of the smallest error


def infer_causes(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    sequences: ArrayLike,
    *,
    key: Array,
    trials: int = 1000,
    cooling: ArrayLike = 1.0,
    temperature: ArrayLike | None = None,
    causes: ArrayLike | None = None,
    noise: ArrayLike | None = None,
    dt: ArrayLike = 1.0,
) -> InferredCauses:
    """Infer the hidden causes of target sequences by predictive coding, trial after trial.

    A trial passes once through the target with inference on, from the causes of the trial before
    and the initial hidden state, and then measures the error of generating from the causes it
    ended with. With a `temperature` the trial is a Metropolis proposal: its causes are kept with
    probability min(1, exp(-(error - error before) / temperature)), else those before remain, which
    is one comparison per trial and no look at the stored causes. All trials run in one compiled
    program.

    Args:
        component: the network; its alpha_x, alpha_h, alpha_c, sigma_r, sigma_c steer inference.
        state: its trained state, of any batch.
        sequences: targets, time-major, (steps, sequences, outputs).
        key: a random key, for the initial causes and the noise. An example's noise does not
            depend on the others of the batch.
        trials: the number of passes.
        cooling: the last trial's sigma_r as a part of the first's; geometric in between.
        temperature: 0 or more, in units of the error; None: every trial's causes are kept.
        causes: initial causes, (sequences, causes); standard normal by default.
        noise: standard-normal draws to use, (trials, steps, sequences, causes).
        dt: the length of a step, ms.

    Raises:
        ValueError: arrays of other shapes, or a temperature below 0.
    """
    targets = as_sequences(component, state, sequences, "infer_causes")
    if isinstance(temperature, (int, float)) and temperature < 0:
        raise ValueError(f"infer_causes: temperature is 0 or more, got {temperature!r}.")
    steps, batch, _ = targets.shape
    start_key, noise_key = jax.random.split(typed_key(key))
    keys = _keys(start_key, batch)
    if causes is None:
        causes = jax.vmap(lambda k: jax.random.normal(k, (component.causes,)))(keys)
    causes = _shaped("causes", causes, (batch, component.causes), state.mus.dtype)
    if noise is not None:
        noise = _shaped(
            "noise", noise, (int(trials), steps, batch, component.causes), state.mus.dtype
        )
    return _retrieve(
        canonical(checked(component.replace(own_noise=False))),
        state,
        targets,
        causes,
        _keys(noise_key, batch),
        noise,
        as_scalar(cooling) ** np.linspace(0.0, 1.0, int(trials), dtype=targets.dtype),
        None if temperature is None else as_scalar(temperature),
        as_scalar(as_duration(dt)),
        trials=int(trials),
    )


@partial(jax.jit, static_argnames="trials")
def _retrieve(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    targets: Array,
    causes: Array,
    keys: Array,
    noise: Array | None,
    factors: Array,
    temperature: Array | None,
    dt: Array,
    *,
    trials: int,
) -> InferredCauses:
    steps, batch, _ = targets.shape
    begin = _started(component, state, causes)

    def draw(key: Array, trial: Array) -> Array:
        shape = (steps, component.causes)
        return jax.random.normal(jax.random.fold_in(key, trial), shape, targets.dtype)

    def patience(key: Array, trial: Array) -> Array:
        return jax.random.exponential(jax.random.fold_in(key, trial), (), targets.dtype)

    def one(
        now: tuple[Array, Array], x: tuple[Array, Array, Array | None]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        (causes, error), (trial, factor, given) = now, x
        noise = jax.vmap(draw, (0, None), 1)(keys, trial) if given is None else given
        inputs = {"inputs": targets, "noise": noise}
        cooled = component.replace(sigma_r=component.sigma_r * factor)
        after, _ = run(cooled, begin.replace(causes=causes), steps=steps, dt=dt, inputs=inputs)
        found, errors = after.causes, _open_loop(component, state, targets, after.causes, dt)
        errors = _mean_distance(errors)
        if temperature is not None:
            allowed = temperature * jax.vmap(patience, (0, None))(keys, -1 - trial)
            keep = errors - error <= allowed  # probability min(1, exp(-rise / temperature))
            found = jnp.where(keep[:, None], found, causes)
            errors = jnp.where(keep, errors, error)
        return (found, errors), (found, errors)

    start = causes, jnp.full(batch, jnp.inf, targets.dtype)
    _, (found, errors) = jax.lax.scan(one, start, (jnp.arange(trials), factors, noise))
    best = jnp.take_along_axis(found, jnp.argmin(errors, 0)[None, :, None], 0)[0]
    return InferredCauses(causes=found, errors=errors, best=best)


def _open_loop(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    targets: Array,
    causes: Array,
    dt: ArrayLike = 1.0,
) -> Array:
    """The errors outputs - targets from these causes, without inference: (steps, batch, outputs).

    The prior still pulls on the causes unless the component's `alpha_c` is None.
    """
    begin = _started(component, state, causes)
    component = component.replace(alpha_x=None)
    return run(
        component, begin, steps=len(targets), dt=dt, inputs={"inputs": targets}, record="error"
    )[1]["error"]


def _started(
    component: PredictiveCodingRNN, state: PredictiveCodingRNNState, causes: Array
) -> PredictiveCodingRNNState:
    """A state for this many examples at the beginning of a sequence, with what was learned."""
    fresh = init_batch(component, jax.random.key(0), len(causes))
    shared = {name: state[name] for name, spec in state.specs().items() if not spec.role.batched}
    return fresh.replace(**shared, causes=causes)


def _mean_distance(errors: Array) -> Array:
    """The mean over time of the distance between target and prediction, per sequence."""
    return jnp.sqrt(jnp.sum(errors**2, -1)).mean(0)


def rank_causes(
    component: PredictiveCodingRNN,
    state: PredictiveCodingRNNState,
    sequences: ArrayLike,
    dt: ArrayLike = 1.0,
) -> Array:
    """The baseline: the error of generating every stored sequence beside every target.

    Args:
        component: the network; without its inference.
        state: its state, of any batch.
        sequences: targets, time-major, (steps, sequences, outputs).
        dt: the length of a step, ms.

    Returns:
        (sequences, patterns), the mean distance; its argmin over patterns names the sequence.
    """
    targets = as_sequences(component, state, sequences, "rank_causes")
    return _rank(canonical(checked(component)), state, targets, as_scalar(as_duration(dt)))


@jax.jit
def _rank(
    component: PredictiveCodingRNN, state: PredictiveCodingRNNState, targets: Array, dt: Array
) -> Array:
    nothing = jnp.zeros((len(targets), len(state.mus), targets.shape[-1]), targets.dtype)
    outputs = _open_loop(component, state, nothing, state.mus, dt)
    return jax.lax.map(lambda x: _mean_distance(outputs - x[:, None]), targets.swapaxes(0, 1))


def nearest_pattern(state: PredictiveCodingRNNState, causes: ArrayLike) -> Array:
    """The index of the stored sequence whose cause is nearest, for causes (..., causes)."""
    causes = jnp.asarray(causes)
    stored = state.mus[(None,) * (causes.ndim - 1)]
    return jnp.argmin(jnp.sum((causes[..., None, :] - stored) ** 2, -1), -1)


def _keys(key: Array, count: int) -> Array:
    return jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(count))


def _shaped(name: str, value: ArrayLike, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
    given = jnp.asarray(value, dtype)
    if given.shape != shape:
        raise ValueError(f"infer_causes: {name} has shape {given.shape}, expected {shape}.")
    return given
