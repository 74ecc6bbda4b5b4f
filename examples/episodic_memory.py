"""The tutorial "Episodic Memory" with `nm.Episodic`: every step and all three exercises.

A key-value memory of ten slots, filled with small numbers, retrieves a weighted sum of values;
a softmax with a threshold decides the weights. The tutorial's module is `Episodic` with dot
products, gain 1 and its threshold on the absolute match:

    prep    = nm.store of the fill rows          write = nm.store (a full fifo starts at slot 0)
    forward = nm.recall                          reset = memory.clear
"""

import jax
import matplotlib
import numpy as np
from _script import arguments, finish

import ngcmem as nm
from ngcmem.plotting import memory_heatmap
from ngcmem.retrieval import ContrastGain

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SLOTS, FEATURES, FILL = 10, 5, 0.01
ONE_HOT = np.eye(FEATURES, dtype=np.float32)


def module(slots=SLOTS, features=FEATURES, **options):
    """The tutorial's memory: dot products, gain 1, a threshold on |match|."""
    settings = dict(similarity="dot", beta=1.0, threshold=0.001, absolute_threshold=True)
    return nm.Episodic(slots=slots, keys=features, values=features, **{**settings, **options})


def prepared(memory, key):
    """`reset`, then `prep` with `FILL` everywhere."""
    state = nm.clear(memory, nm.init(memory, key))
    fill = np.full((memory.slots, FEATURES), FILL, np.float32)
    return nm.store(memory, state, fill, fill)


def heat_maps(steps, path):
    """Keys above, values below, one column per step."""
    figure, axes = plt.subplots(2, len(steps), figsize=(2.1 * len(steps), 5), layout="constrained")
    for column, (title, state) in enumerate(steps):
        for row, (name, rows) in enumerate((("keys", state.keys), ("values", state.values))):
            memory_heatmap(
                rows, count=state.count, ax=axes[row, column], limits=(0.0, 1.0),
                title=f"{title}\n{name}" if row == 0 else name,
                label="stored value" if column == len(steps) - 1 else "",
            )  # fmt: skip
    for each in axes.flat:
        each.label_outer()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def first_retrieval(key, out):
    """The tutorial's cells: an empty memory, the fill, one write, one query."""
    memory = module()
    filled = prepared(memory, key)
    written = nm.store(memory, filled, ONE_HOT[:1], ONE_HOT[1:2])
    heat_maps(
        [("empty", nm.init(memory, key)), ("filled with .01", filled), ("one write", written)],
        out / "writes.png",
    )
    answer = nm.read(memory, written, ONE_HOT[:1])
    print("match weights      ", np.round(np.asarray(answer.similarities[0]), 4))
    print("after the softmax  ", np.round(np.asarray(answer.memory_weights[0]), 4))
    print("retrieved          ", np.round(np.asarray(answer.outputs[0]), 4))
    masked = nm.recall(memory.replace(threshold=0.01), written, ONE_HOT[:1])[0]
    return written, {
        "w0_threshold_001": answer.memory_weights[0, 0],
        "retrieved_threshold_001": answer.outputs[0],
        "retrieved_threshold_01": masked,
    }


def weight_of_the_match(others, key, **options):
    """Exercise 1: the weight of a match of 1 among `others` matches of .01."""
    memory = module(slots=others + 1, features=1, **options)
    matches = np.concatenate([[1.0], np.full(others, 0.01)]).astype(np.float32)[:, None]
    state = nm.store(memory, nm.init(memory, key), matches, matches)
    return float(nm.read(memory, state, matches[:1]).memory_weights[0, 0])


def retrieval_errors(written, thresholds):
    """Exercise 2: the distance of what is retrieved from what was stored, and what matched."""
    reads = [nm.read(module(threshold=t), written, ONE_HOT[:1]) for t in thresholds]
    errors = [float(np.linalg.norm(read.outputs[0] - ONE_HOT[1])) for read in reads]
    return errors, [bool(read.matched[0]) for read in reads]


def more_pairs(key, out):
    """Exercise 3: the weight of the first pair as more pairs are written."""
    memory, weights = module(), []
    state = prepared(memory, key)
    steps = [("filled", state)]
    for pair in range(FEATURES):
        value = ONE_HOT[[(pair + 1) % FEATURES]]
        state = nm.store(memory, state, ONE_HOT[[pair]], value)
        steps.append((f"{pair + 1} written", state))
        weights.append(float(nm.read(memory, state, ONE_HOT[:1]).memory_weights[0, 0]))
    heat_maps(steps, out / "more_pairs.png")
    return weights


def exercises_figure(sizes, curves, thresholds, errors, weights, path):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for (label, values), style in zip(curves.items(), ("o-", "s-", "^--"), strict=True):
        left.semilogx(sizes, values, style, label=label, markersize=5)
    left.set(title="1: many weak matches", xlabel="other entries", ylabel="weight of the match")
    left.legend(fontsize=8)
    middle.semilogx(thresholds, errors, "o-")
    middle.set(title="2: threshold", xlabel="threshold", ylabel="error of the value retrieved")
    right.plot(np.arange(1, FEATURES + 1), weights, "o-")
    right.set(title="3: more pairs", xlabel="pairs written", ylabel="weight of the match")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    options = arguments("episodic_memory", __doc__ or "")
    key = jax.random.key(options.seed)
    written, metrics = first_retrieval(key, options.out)

    sizes = [10, 100] if options.quick else [10, 30, 100, 300, 1000]
    curves = {
        "threshold .001": [weight_of_the_match(n, key) for n in sizes],
        "threshold .01": [weight_of_the_match(n, key, threshold=0.01) for n in sizes],
        "no threshold, adaptive gain": [
            weight_of_the_match(n, key, threshold=None, adaptive_gain=ContrastGain(share=0.99))
            for n in sizes
        ],
    }
    at = [sizes.index(10), sizes.index(100)]
    metrics["exercise1"] = [
        curves[name][i] for name in ("threshold .001", "threshold .01") for i in at
    ]

    metrics["exercise2_error"], _ = retrieval_errors(written, [0.001, 0.01, 0.5])
    (error,), (matched,) = retrieval_errors(written, [1.0])
    print(f"threshold 1: matched {matched}, outputs are zeros (error {error}), never NaN")
    sweep = np.geomspace(1e-3, 0.9, 12)
    errors, _ = retrieval_errors(written, sweep)

    metrics["exercise3_w0"] = more_pairs(key, options.out)
    exercises_figure(
        sizes, curves, sweep, errors, metrics["exercise3_w0"], options.out / "exercises.png"
    )
    finish(metrics, options.out)


if __name__ == "__main__":
    main()
