"""One token in memory weights: the published experiment's statistics, with bars set from it."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm

ADAM = optax.adam(1e-4)


@partial(jax.jit, static_argnames=("vocabulary", "neurons"))
def experiment(keys: Any, writes: Any, *, vocabulary: int, neurons: int) -> Any:
    """Of every seed: was each of 5,000 answers right, its loss, and the accuracy per token."""
    memory = nm.InWeight(
        vocabulary=vocabulary, outputs=vocabulary, hidden=(128,), memory=(neurons,), optimizer=ADAM
    )
    cue, one_hot = jnp.eye(1, vocabulary), jnp.eye(vocabulary)

    def seed(key: Any) -> Any:
        begin, draw = jax.random.split(key)
        tokens = jax.random.randint(draw, (5000, 1), 0, vocabulary)
        answers = (tokens + 1) % vocabulary
        state, seen = nm.run(
            memory,
            nm.init(memory, begin),
            steps=5000,
            inputs={"content": one_hot[tokens] * writes, "targets": one_hot[answers]},
            clamp={"inputs": cue, "clear": jnp.ones(1)},
            record="outputs",
            learn=True,
        )
        loss = optax.softmax_cross_entropy_with_integer_labels(seen["outputs"], answers)

        def answer(content: Any) -> Any:
            written = memory.write(memory.reset_memory(state), cue, content[None] * writes)
            return nm.recall(memory, written, cue).argmax(-1)[0]

        asked = jax.vmap(answer)(one_hot) == (jnp.arange(vocabulary) + 1) % vocabulary
        return seen["outputs"].argmax(-1) == answers, loss, asked.mean()

    right, loss, asked = jax.vmap(seed)(keys)
    return right[..., 0], loss[..., 0], asked


def test_one_token_is_remembered_in_two_neurons() -> None:
    keys = jax.random.split(jax.random.key(0), 16)
    right, loss, asked = map(np.asarray, experiment(keys, 1.0, vocabulary=2, neurons=2))
    assert (right[:, 900:1000].mean(1) == 1).sum() >= 12
    assert (right[:, -100:] == 1).all() and (asked == 1).all()
    late = loss[:, -100:].mean(1)
    assert (late <= 0.08).sum() >= 12 and np.median(late) <= 0.03
    right, loss, asked = map(np.asarray, experiment(keys, 0.0, vocabulary=2, neurons=2))
    assert 0.40 <= right[:, -100:].mean() <= 0.64
    assert (asked == 0.5).all() and loss[:, -100:].mean() > 0.68


@pytest.mark.slow
@pytest.mark.parametrize(
    "vocabulary, neurons, least, most", [(8, 8, 0.97, 1.0), (32, 16, 0.97, 1.0), (32, 2, 0, 0.35)]
)
def test_how_many_tokens_fit(vocabulary: int, neurons: int, least: float, most: float) -> None:
    keys = jax.random.split(jax.random.key(0), 16)
    right, _, _ = experiment(keys, 1.0, vocabulary=vocabulary, neurons=neurons)
    assert least <= np.asarray(right)[:, -100:].mean() <= most
