"""Coffee Shop World: why lessons in blocks teach two schemas better than lessons that alternate.

Two schemas go through the same states in different orders, so the next state depends on the
previous state and on a context that has to be learned. The model of Giallanza, Campbell and Cohen
(2024), Open Mind 8:688 (human data: Beukers et al. 2024, Communications Psychology 2:92):

    h <- .3 h + .7 state          a leaky memory of recent states
    q = (W tanh(h) + b) / |...|   the context, by the only weights that learn
    episodic memory with the fields previous state and context retrieves the state that followed,
    W and b take five gradient steps through the retrieval, the episode is stored.

Every participant is one memory; all of them, in both conditions, run in one vmap.
"""

from functools import partial

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STATES, TRAINING, TEST, BLOCKS, LENGTH = 10, 200, 50, 4, 5
TEMPERATURE, THRESHOLD, LEARNING_RATE, GRADIENT_STEPS = 0.2, 0.01, 2.0, 5


def sequence(schema, first):
    """A cue (8 or 9), state 0 or 1, and three states the schema determines."""
    states = [8 + schema, first]
    for _ in range(3):
        step = 2 if schema == 0 else (3 if states[-1] % 2 == 0 else 1)
        states.append(states[-1] + step)
    return states


def lessons(condition, training, draw):
    """Sequences (n, 5): training in four blocks or alternating, then a random test."""
    order = np.arange(training)
    schemas = (order * BLOCKS // training) % 2 if condition == "blocked" else order % 2
    schemas = [*schemas, *draw.integers(0, 2, TEST)]
    return np.array([sequence(schema, draw.integers(0, 2)) for schema in schemas])


def participant(states, *, memory, learns):
    """The probability given to every state before it came, (trials,)."""
    eye = jnp.eye(STATES)

    def context(weights, h):
        q = weights[0] @ jnp.tanh(h) + weights[1]
        return q / jnp.sqrt(jnp.sum(q**2) + 1e-12)  # the first context is 0, its slope finite

    def predict(weights, episodes, h, previous):
        query = {"previous": previous[None], "context": context(weights, h)[None]}
        return nm.recall(memory, episodes, query)[0]

    def surprise(weights, episodes, h, previous, state):
        p = jnp.clip(predict(weights, episodes, h, previous), 1e-6, 1 - 1e-6)
        return -jnp.mean(state * jnp.log(p) + (1 - state) * jnp.log(1 - p))

    def trial(carry, state):
        episodes, weights, h, previous = carry
        guess = predict(weights, episodes, h, previous) @ state
        if learns:
            for _ in range(GRADIENT_STEPS):
                slope = jax.grad(surprise)(weights, episodes, h, previous, state)
                weights = jax.tree.map(lambda w, g: w - LEARNING_RATE * g, weights, slope)
        key = {"previous": previous[None], "context": context(weights, h)[None]}
        episodes = nm.store(memory, episodes, key, state[None])
        return (episodes, weights, 0.3 * h + 0.7 * state, state), guess

    nothing = jnp.zeros(STATES)
    start = (nm.init(memory, jax.random.key(0)), (eye, nothing), nothing, nothing)
    return jax.lax.scan(trial, start, eye[states])[1]


def correct(guesses):
    """Mean probability of the three determined states of every sequence, (participants, n)."""
    return guesses.reshape(guesses.shape[0], -1, LENGTH)[:, :, 2:].mean(-1)


def figure(curves, training, path):
    _, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
    window = max(training // 20, 1)
    for name, values in curves.items():
        mean = values.mean(0)
        smooth = np.convolve(mean, np.ones(window) / window, "valid")
        ax.plot(np.arange(len(smooth)) + window, smooth, label=name)
    ax.axvspan(training, training + TEST, color="0.92", zorder=0)
    ax.text(training + TEST / 2, 0.05, "test", ha="center")
    for block in range(1, BLOCKS):
        ax.axvline(block * training / BLOCKS, color="0.8", lw=0.8)
    ax.set(
        xlabel="sequence", ylabel="P(correct next state)", ylim=(0, 1),
        title=f"Coffee Shop World (running mean of {window})",
    )  # fmt: skip
    ax.legend(fontsize=8, loc="lower right", bbox_to_anchor=(0.8, 0.02))
    ax.figure.savefig(path, dpi=110)


def main():
    options = arguments("context_memory", __doc__ or "")
    people, training = (2, 80) if options.quick else (4, TRAINING)
    memory = nm.Episodic(
        slots=(training + TEST) * LENGTH,
        keys={"previous": STATES, "context": STATES},
        values=STATES,
        similarity="dot",
        beta=1 / TEMPERATURE,
        threshold=THRESHOLD * TEMPERATURE,
        absolute_threshold=True,
        method="materialised",
    )
    draw = np.random.default_rng(options.seed)
    met = {
        condition: np.stack([lessons(condition, training, draw).ravel() for _ in range(people)])
        for condition in ("blocked", "interleaved")
    }
    states = jnp.asarray(np.concatenate(list(met.values())))
    curves = {}
    for learns, suffix in ((True, ""), (False, ", W frozen")):
        run = jax.jit(jax.vmap(partial(participant, memory=memory, learns=learns)))
        shares = correct(np.asarray(run(states)))
        for i, condition in enumerate(met):
            curves[condition + suffix] = shares[i * people : (i + 1) * people]
    figure(curves, training, options.out / "context_memory.png")
    test = {name: float(values[:, training:].mean()) for name, values in curves.items()}
    quarters = {
        name: [float(part.mean()) for part in np.split(values[:, :training], 4, axis=1)]
        for name, values in curves.items()
    }
    for name in curves:
        print(f"{name:22} quarters {np.round(quarters[name], 2)}, test {test[name]:.3f}")
    finish(
        {
            "blocked_test": test["blocked"],
            "interleaved_test": test["interleaved"],
            "difference": test["blocked"] - test["interleaved"],
            "blocked_quarters": quarters["blocked"],
            "interleaved_quarters": quarters["interleaved"],
            "frozen_test": [test["blocked, W frozen"], test["interleaved, W frozen"]],
        },
        options.out,
    )


if __name__ == "__main__":
    main()
