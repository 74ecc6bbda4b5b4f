"""Complementary learning systems: a slow network, a fast memory, and a penguin.

A cortex, Rumelhart's semantic network as a Flax module trained by optax, knows eight plants and
animals. Then it meets the penguin, a bird that swims and does not fly, and is taught what it is
and what it can do
    (a) focused: by the penguin alone, (b) interleaved with everything known before,
    (c) not at all: one write into an episodic memory, which answers when it recognises the
        question, (d) by replay from that memory, interleaved with everything known; the memory is
        then cleared.
Mean over five networks. After McClelland, McNaughton and O'Reilly (1995), Psychological Review
102:419.
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from _script import arguments, finish

import ngcmem as nm
from ngcmem.datasets import rumelhart_patterns
from ngcmem.datasets.rumelhart import ATTRIBUTES, NEW_ITEM

matplotlib.use("Agg")
import matplotlib.pyplot as plt

BEFORE, AFTER = optax.sgd(0.5), optax.sgd(0.2)


class Cortex(nn.Module):
    """item -> representation; representation and relation -> hidden -> attributes."""

    @nn.compact
    def __call__(self, item, relation):
        start = nn.initializers.uniform(1.0)
        layer = partial(nn.Dense, kernel_init=lambda *a: start(*a) - 0.5)
        representation = nn.sigmoid(layer(8)(item))
        hidden = nn.sigmoid(layer(15)(jnp.concatenate([representation, relation], -1)))
        return nn.sigmoid(layer(len(ATTRIBUTES))(hidden))


CORTEX = Cortex()


def error(params, facts):
    """Mean |target - output|."""
    item, relation, attributes = facts
    return jnp.abs(CORTEX.apply(params, item, relation) - attributes).mean()


@partial(jax.jit, static_argnames=("optimizer", "epochs"))
def train(params, facts, watched, *, optimizer, epochs):
    """Gradient descent on the squared error of all facts at once; errors at every epoch."""
    item, relation, attributes = facts

    def loss(params):
        return 0.5 * jnp.sum((CORTEX.apply(params, item, relation) - attributes) ** 2)

    def epoch(carry, _):
        params, optimizer_state = carry
        seen = {name: error(params, some) for name, some in watched.items()}
        updates, optimizer_state = optimizer.update(jax.grad(loss)(params), optimizer_state)
        return (optax.apply_updates(params, updates), optimizer_state), seen

    (params, _), seen = jax.lax.scan(epoch, (params, optimizer.init(params)), None, length=epochs)
    seen = {name: jnp.append(seen[name], error(params, watched[name])) for name in watched}
    return params, seen


def together(*facts):
    return tuple(jnp.concatenate(parts) for parts in zip(*facts, strict=True))


MEMORY = nm.Episodic(
    slots=64, keys={"item": 9, "relation": 4}, values=len(ATTRIBUTES), concatenate=True, beta=40.0
)


def questions(facts):
    return {"item": facts[0], "relation": facts[1]}


def answer(params, state, facts):
    """The memory's answer where it recognises the question (cosine above .9), else the cortex's."""
    recalled = nm.read(MEMORY, state, questions(facts))
    recognised = recalled.best_similarity > 0.9
    return jnp.where(
        recognised[:, None], recalled.outputs, CORTEX.apply(params, facts[0], facts[1])
    )


def educated(seed, epochs, old, watched):
    """A cortex that knows the old items."""
    params = CORTEX.init(jax.random.key(seed), old[0], old[1])
    return train(params, old, watched, optimizer=BEFORE, epochs=epochs)[0]


def remembered(cortex, penguin, old_can):
    """The memory after one write, and the errors of cortex and memory together."""
    memory = nm.init(MEMORY, jax.random.key(0))
    memory = nm.store(MEMORY, memory, questions(penguin), penguin[2])
    errors = {
        name: jnp.abs(answer(cortex, memory, facts) - facts[2]).mean()
        for name, facts in (("told", penguin), ("told_old", old_can))
    }
    return memory, errors


def lessons(cortex, memory, epochs, old, penguin, watched):
    """Errors while the cortex is taught focused, interleaved, and by replay from the memory."""
    continued = partial(train, cortex, watched=watched, optimizer=AFTER, epochs=epochs)
    _, focused = continued(penguin)
    _, interleaved = continued(together(old, penguin))
    # The memory asks itself: its own keys are the questions, what it recalls is what is taught.
    asked = jax.tree.map(lambda rows: rows[: penguin[2].shape[0]], memory.keys)
    dreamt = (asked["item"], asked["relation"], nm.recall(MEMORY, memory, asked))
    taught, replayed = continued(together(old, dreamt))
    cleared = nm.clear(MEMORY, memory)
    left = jnp.abs(answer(taught, cleared, penguin) - penguin[2]).mean()  # the cortex alone
    return dict(focused=focused, interleaved=interleaved, replayed=replayed, left=left)


def figure(results, path):
    mean = jax.tree.map(lambda values: np.asarray(values).mean(0), results)
    drawn, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharex=True)
    titles = {
        "penguin": "new: what a penguin is and can do", "old can": "old: what the others can do"
    }  # fmt: skip
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        for label, style in (("focused", "-"), ("interleaved", "-"), ("replayed", "--")):
            ax.plot(mean[label][name], style, label=label)
        told = mean["told"] if name == "penguin" else mean["told_old"]
        ax.axhline(told, color="black", lw=1, ls=":", label="one episodic write")
        largest = max(mean[label][name].max() for label in ("focused", "interleaved"))
        ax.set(title=title, xlabel="epochs after meeting the penguin", ylim=(-0.03 * largest, None))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("mean |error|")
    axes[0].legend(fontsize=8)
    drawn.savefig(path, dpi=110)


def main():
    options = arguments("complementary_learning", __doc__ or "")
    epochs = 300 if not options.quick else 200
    old = tuple(map(jnp.asarray, rumelhart_patterns()))
    penguin = tuple(map(jnp.asarray, rumelhart_patterns((NEW_ITEM,), ("isa", "can"))))
    seeds = options.seed + jnp.arange(2 if options.quick else 5)
    old_can = tuple(part[2::4] for part in old)  # the relation "can" of every item
    facts = dict(old=old, watched={"penguin": penguin, "old can": old_can})
    cortex = jax.jit(jax.vmap(partial(educated, epochs=1000, **facts)))(seeds)
    before = jax.tree.map(lambda leaf: np.asarray(leaf).tobytes(), cortex)
    memory, results = jax.jit(jax.vmap(lambda c: remembered(c, penguin, old_can)))(cortex)
    changed = before != jax.tree.map(lambda leaf: np.asarray(leaf).tobytes(), cortex)
    taught = jax.vmap(partial(lessons, epochs=epochs, penguin=penguin, **facts))
    results |= jax.jit(taught)(cortex, memory)
    figure(results, options.out / "complementary_learning.png")

    curves = jax.tree.map(lambda values: np.asarray(values).mean(0), results)
    start = curves["focused"]["old can"][0]
    for label in ("focused", "interleaved", "replayed"):
        ends = {name: round(float(curve[-1]), 4) for name, curve in curves[label].items()}
        print(f"{label:12} error after {epochs} epochs: {ends}, old can at the start {start:.4f}")
    finish(
        {
            "focused_old_can_ratio": curves["focused"]["old can"][-1] / start,
            "interleaved_max_ratio": curves["interleaved"]["old can"].max() / start,
            "episodic_penguin_error": curves["told"],
            "cortex_changed": changed,
            "replay_penguin_error": curves["left"],
            "interleaved_penguin_error": curves["interleaved"]["penguin"][-1],
        },
        options.out,
    )


if __name__ == "__main__":
    main()
