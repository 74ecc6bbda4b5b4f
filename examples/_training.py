"""Training a spiking classifier through its spikes, for the examples that do."""

from typing import Any

import jax
import numpy as np
import optax
from jax import Array

import ngcmem as nm


def identity(z: Array) -> Array:
    """A read-out's activation: one function object, so that nothing compiles twice."""
    return z


def scores(
    circuit: nm.Circuit, state: Any, params: Any, images: Array, names: tuple[str, str], steps: int
) -> tuple[Array, Array]:
    """The mean over time of `readout.outputs`, (batch, classes), and spikes per cell of `names[1]`.

    The images are held at the input `names[0]`.
    """
    record = ("readout.outputs", names[1])
    _, seen = nm.run(
        circuit, state.set(params), steps=steps, clamp={names[0]: images}, record=record
    )
    return seen["readout.outputs"].mean(0), seen[names[1]].sum(0).mean()


def train(
    circuit: nm.Circuit,
    data: Any,
    names: tuple[str, str],
    *,
    epochs: int,
    seed: int,
    steps: int,
    batch: int,
    learning_rate: Any,
) -> dict[str, Any]:
    """Losses while training, accuracy and spikes per cell on the rest, with Adam.

    Args:
        circuit: with a component `readout` whose mean `outputs` are the logits.
        data: images, other images, their labels, those of the others.
        names: the input that holds the image, and the spikes to count.
        epochs: how often every image is seen.
        seed: of the first weights and the order of images.
        steps: of a presentation.
        batch: images per step of Adam.
        learning_rate: a number or an optax schedule.
    """
    x, test_x, y, test_y = data
    state = nm.init(circuit, jax.random.key(seed), batch=batch)
    params = nm.parameters(state)
    optimizer = optax.adam(learning_rate)

    def loss(params: Any, images: Array, labels: Array) -> Array:
        logits, _ = scores(circuit, state, params, images, names, steps)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @jax.jit
    def step(params: Any, inner: Any, images: Array, labels: Array) -> Any:
        value, gradients = jax.value_and_grad(loss)(params, images, labels)
        updates, inner = optimizer.update(gradients, inner, params)
        return optax.apply_updates(params, updates), inner, value

    inner, losses, order = optimizer.init(params), [], np.random.default_rng(seed)
    for _ in range(epochs):
        rows = order.permutation(len(x))[: len(x) // batch * batch].reshape(-1, batch)
        for chosen in rows:
            params, inner, value = step(params, inner, x[chosen], y[chosen])
            losses.append(float(value))
    look = jax.jit(scores, static_argnums=(4, 5))
    named, spikes = [], []
    for start in range(0, len(test_x), batch):
        rows = np.arange(start, start + batch) % len(test_x)
        logits, count = look(circuit, state, params, test_x[rows], names, steps)
        named.append(np.asarray(logits).argmax(1))
        spikes.append(float(count))
    named = np.concatenate(named)[: len(test_x)]
    return dict(
        losses=losses,
        accuracy=float((named == test_y).mean()),
        spikes_per_cell=float(np.mean(spikes)),
        params=params,
    )
