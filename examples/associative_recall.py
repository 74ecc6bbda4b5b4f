"""Which memory answers when many pairs are named once and then asked for in any order?

Multi-query associative recall (Arora et al. 2023, arXiv:2312.04927): a sequence of key and value
tokens, then its keys again, shuffled; each has to be answered by its value. In half of the
sequences every key comes twice with different values, and the later one is right. One layer, four
memories: fast weights written by Hebb's rule (linear attention), the delta rule and Titans
(momentum and forgetting in a multilayer perceptron), and softmax attention, whose memory is the
sequence itself. The projections, the gates and where the memories begin are trained by Adam
through the whole sequence.

    python examples/associative_recall.py [--seed 0] [--quick] [--out DIR]
"""

import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from _script import arguments, finish, progress
from rich.console import Console
from rich.table import Table

import ngcmem as nm

matplotlib.use("Agg")
import matplotlib.pyplot as plt

TOKENS, WIDTH, BATCH = 64, 16, 32  # keys and as many values; features; sequences per step
LENGTHS = (4, 8, 16, 24, 32)  # pairs in the sequences tested
ADAM = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-2))
SQUARE = dict(features=WIDTH, values=WIDTH)
MEMORIES = {
    "hebb": nm.FastWeights(**SQUARE, update=nm.memories.AdditiveUpdate(), eta=2.0),
    "delta": nm.FastWeights(**SQUARE, update=nm.memories.DeltaUpdate(), eta=2.0),
    "titans": nm.FastWeights(
        **SQUARE,
        update=nm.memories.MomentumUpdate(momentum=0.5),
        regressor=nm.memories.MLPRegressor(hidden=2 * WIDTH),
        eta=1.0,
    ),
    "attention": None,
}
LABELS = {"hebb": "Hebb", "delta": "delta rule", "titans": "Titans", "attention": "attention"}
COLOURS = dict(zip(MEMORIES, ("tab:orange", "tab:blue", "tab:green", "tab:gray"), strict=True))


def sequences(key, count, pairs, rewritten):
    """Tokens (3 pairs, count): pairs, then questions; and the answers (pairs, count).

    Of the sequences marked in `rewritten` (count,) the second half of the pairs has the keys of
    the first half, in another order.
    """
    half = pairs // 2
    # One draw for everything: every call of a random function takes seconds to compile.
    drawn = jax.random.uniform(key, (count, TOKENS + half + 2 * pairs))
    cuts = (TOKENS, TOKENS + half, TOKENS + half + pairs)
    for_keys, for_order, for_values, for_questions = jnp.split(drawn, cuts, axis=1)
    keys = for_keys.argsort(axis=1)[:, :pairs]
    again = jnp.take_along_axis(keys, for_order.argsort(axis=1), axis=1)
    twice = jnp.concatenate([keys[:, : pairs - half], again], axis=1)
    keys = jnp.where(rewritten[:, None], twice, keys)
    values = (for_values * TOKENS).astype(int)
    asked = jnp.take_along_axis(keys, for_questions.argsort(axis=1), axis=1)
    matches = (asked[:, :, None] == keys[:, None, :]) * (1 + jnp.arange(pairs))
    answers = jnp.take_along_axis(values, matches.argmax(-1), axis=1)  # of the latest match
    told = jnp.stack([keys, TOKENS + values], -1).reshape(count, -1)
    return jnp.concatenate([told, asked], axis=1).T, answers.T


def initial(key, name):
    """What the outer loop trains: tokens, projections, gates, and where the memory begins."""
    draws = jax.random.split(key, 3)
    eye, zero = jnp.eye(WIDTH), jnp.zeros(())
    params = {
        "tokens": jax.random.normal(draws[0], (2 * TOKENS, WIDTH)) * WIDTH**-0.5,
        "projections": {"query": eye, "key": eye, "value": eye},
        "scale": zero + 5.0,
    }
    if name == "attention":
        return params | {"beta": zero + 4.0, "recency": zero}
    gates = {
        "kernel": 0.1 * jax.random.normal(draws[1], (2 * WIDTH, 3)),
        "bias": jnp.array([0.0, 0.0, -4.0]),  # begins forgetting 2 % per step
    }
    return params | {
        "gates": gates,
        "memory": nm.parameters(nm.init(MEMORIES[name], draws[2])),
    }


def logits(params, tokens, name):
    """Scores of the values at every step, (steps, batch, TOKENS)."""
    now = params["tokens"][tokens]
    previous = jnp.concatenate([jnp.zeros_like(now[:1]), now[:-1]])
    through = params["projections"]
    query, key = unit(now @ through["query"]), unit(previous @ through["key"])
    value = now @ through["value"]
    if name == "attention":
        recalled = attention(query, key, value, params["beta"], params["recency"])
    else:
        gates = params["gates"]
        both = jnp.concatenate([previous, now], axis=-1)
        gate = jax.nn.sigmoid(both @ gates["kernel"] + gates["bias"])
        memory = MEMORIES[name]
        state = nm.init(memory, jax.random.key(0), batch=tokens.shape[1]).set(params["memory"])
        _, recalled = nm.memories.regress_sequence(
            memory,
            state,
            query,
            key,
            value,
            write_gate=gate[..., 0],
            learning_rate=gate[..., 1],
            decay=gate[..., 2],
            chunk=None if name == "titans" else 32,
        )
    return params["scale"] * recalled @ params["tokens"][TOKENS:].T


def attention(query, key, value, beta, recency):
    """Causal softmax attention; `recency` favours later pairs (Press et al. 2022)."""
    step = jnp.arange(len(query))
    scores = beta * jnp.einsum("tbd,sbd->bts", query, key) + recency * step
    scores = jnp.where(step[:, None] >= step, scores, -jnp.inf)
    return jnp.einsum("bts,sbd->tbd", jax.nn.softmax(scores, axis=-1), value)


def unit(x):
    return x * jax.lax.rsqrt(jnp.sum(x**2, axis=-1, keepdims=True) + 1e-6)


def loss(params, tokens, answers, name):
    """Cross-entropy of the questions, and the share answered right."""
    found = logits(params, tokens, name)[-len(answers) :]
    losses = optax.softmax_cross_entropy_with_integer_labels(found, answers)
    return losses.mean(), (found.argmax(-1) == answers).mean()


@partial(jax.jit, static_argnames=("name", "pairs", "steps"))
def train(key, name, *, pairs, steps):
    """The trained parameters and the accuracy of every step; sequences are new in every one."""
    begin, stream = jax.random.split(key)
    params = initial(begin, name)
    rewritten = jnp.arange(BATCH) % 2 == 1

    def step(now, key):
        params, moments = now
        task = sequences(key, BATCH, pairs, rewritten)
        (_, right), slope = jax.value_and_grad(loss, has_aux=True)(params, *task, name)
        updates, moments = ADAM.update(slope, moments, params)
        return (optax.apply_updates(params, updates), moments), right

    now, right = jax.lax.scan(step, (params, ADAM.init(params)), jax.random.split(stream, steps))
    return now[0], right


@partial(jax.jit, static_argnames=("name", "pairs"))
def accuracy(params, key, rewritten, name, *, pairs):
    """The share of new sequences' questions answered right, the mean of 128."""
    task = sequences(key, 128, pairs, jnp.full(128, rewritten))
    return loss(params, *task, name)[1]


def measure(name, key, seeds, pairs, steps, lengths):
    """Learning curves (seeds, steps), and accuracy at every length, once and rewritten."""
    begun = time.perf_counter()
    outcomes = [train(k, name, pairs=pairs, steps=steps) for k in jax.random.split(key, seeds)]
    curves = np.stack([curve for _, curve in outcomes])
    taken = time.perf_counter() - begun
    fresh = jax.random.fold_in(key, 1)
    tested = {
        kind: np.array(
            [
                [accuracy(params, fresh, kind == "rewritten", name, pairs=n) for n in lengths]
                for params, _ in outcomes
            ]
        )
        for kind in ("once", "rewritten")
    }
    return {"curves": curves, "seconds": taken, **tested}


def numbers_kept(name, steps):
    """How many numbers the memory of one sequence holds."""
    if name == "attention":
        return 2 * WIDTH * steps
    state = nm.init(MEMORIES[name], jax.random.key(0))
    return sum(leaf.size for leaf in jax.tree.leaves((state.memory_weights, state.update_state)))


def draw(found, lengths, pairs, path):
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
    for name, runs in found.items():
        style = dict(color=COLOURS[name], label=LABELS[name])
        curve = np.convolve(runs["curves"].mean(0), np.ones(10) / 10, "valid")
        panels[0].plot(np.arange(10, 10 + len(curve)), curve, **style)
        for axes, kind in zip(panels[1:], ("once", "rewritten"), strict=True):
            axes.plot(lengths, runs[kind].mean(0), marker="o", **style)
            axes.fill_between(
                lengths, runs[kind].min(0), runs[kind].max(0), color=COLOURS[name], alpha=0.15
            )
    panels[0].set(xlabel="step of the outer loop", ylabel="questions answered right")
    panels[0].set(title=f"training: {pairs} pairs, half rewritten", ylim=(0, 1.03))
    panels[1].set(xlabel="pairs in the sequence", title="every key once")
    panels[2].set(xlabel="pairs in the sequence", title="every key twice, the later value asked")
    for axes in panels[1:]:
        axes.axvline(pairs, color="black", linewidth=0.8, linestyle=":")
        axes.set_xticks(lengths)
    panels[2].legend(loc="lower left", frameon=False)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main():
    given = arguments("associative_recall", __doc__.splitlines()[0])
    seeds, pairs, steps, lengths = (1, 8, 60, (8,)) if given.quick else (3, 16, 500, LENGTHS)
    key = jax.random.key(given.seed)
    found = {
        name: measure(name, key, seeds, pairs, steps, lengths)
        for name in progress(MEMORIES, "memories")
    }
    at = lengths.index(pairs)
    table = Table(title=f"{pairs} pairs, {WIDTH} features, {seeds} seeds, {steps} steps")
    for column in ("memory", "numbers", "once", "rewritten", "seconds per seed"):
        table.add_column(column, justify="left" if column == "memory" else "right")
    metrics = {"pairs": pairs, "chance": 1 / TOKENS}
    for name, runs in found.items():
        measured = {
            "numbers_kept": numbers_kept(name, 3 * pairs),
            "once": float(runs["once"][:, at].mean()),
            "rewritten": float(runs["rewritten"][:, at].mean()),
            "longest_once": float(runs["once"][:, -1].mean()),
            "seconds_per_seed": runs["seconds"] / seeds,
        }
        metrics |= {f"{name}_{what}": value for what, value in measured.items()}
        texts = [f"{measured[w]:.3f}" for w in ("once", "rewritten")]
        texts.append(f"{measured['seconds_per_seed']:.0f}")
        table.add_row(LABELS[name], str(measured["numbers_kept"]), *texts)
    Console(file=sys.stderr).print(table)
    draw(found, lengths, pairs, given.out / "associative_recall.png")
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
