"""Predictive coding on handwritten digits: a circuit that learns, and memories that complete.

1. A circuit of value and error cells learns digits and completes masked ones.
2. Memories of equal size complete the masked digits they stored.
3. Sequences of digits, which look alike, are recalled frame by frame.
4. Digits are written one at a time into a posterior over weights, which can also forget.
"""

import re

import jax
import jax.numpy as jnp
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import optax
from _script import arguments, finish, progress

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.datasets import digits
from ngcmem.plotting import plot_images

PIXELS = 64
LEFT = np.tile(np.arange(8) < 4, 8)  # the half that is hidden
KNOWN = np.where(LEFT, 0.0, 1.0)


def circuit(hidden: int) -> nm.Circuit:
    """pixels <- hidden, with a Gaussian prior on the hidden values."""
    return nm.connect(
        dict(
            pixels=nm.Value(units=PIXELS, tau=20.0, activation=jnp.positive),
            hidden=nm.Value(units=hidden, tau=200.0, activation=jnp.positive),
            predict=nm.Predictive(
                inputs=hidden, outputs=PIXELS, optimizer=optax.adamw(5e-3, weight_decay=0.1)
            ),
            error=nm.GaussianError(units=PIXELS, variance=0.1),
            prior=nm.GaussianError(units=hidden),
            back=nm.Feedback(inputs=PIXELS, outputs=hidden),
            total=nm.TotalEnergy(),
        ),
        wires=[
            wire("hidden.outputs", to="predict.inputs"),
            wire("predict.outputs", to="error.prediction"),
            wire("pixels.value", to="error.target"),
            wire("hidden.value", to="prior.target"),
            wire("error.error", to="back.inputs"),
            wire("predict.weights", to="back.weights"),
            wire(delayed("-error.target_gradient"), to="pixels.drive"),
            wire(delayed("-prior.target_gradient"), to="hidden.drive"),
            wire(delayed("back.outputs"), to="hidden.feedback"),
            wire("error.error", to="predict.error"),
            wire("error.energy", "prior.energy", to="total.terms"),
        ],
    )


def show(network, state, images, known, steps):
    """Settle on a batch of images: clamped where known, free elsewhere."""
    state = nm.reset(network, state).set({"pixels.value": images * known})
    free = np.broadcast_to(1.0 - known, images.shape)
    return nm.run(network, state, steps=steps, clamp={"pixels.free": free})[0]


def learn(network, images, seed, epochs, batch=50, steps=100):
    rng = np.random.default_rng(seed)
    state, curve = nm.init(network, jax.random.key(seed), batch=batch), []
    for _ in progress(range(epochs), "learning digits"):
        energies = []
        for rows in rng.permutation(len(images)).reshape(-1, batch):
            state = show(network, state, images[rows], np.ones(PIXELS), steps)
            energies.append(state["total.energy"].mean())
            state = nm.evolve(network, state)
        curve.append(float(np.mean(energies)))
    return state, curve


def key(name: str) -> str:
    """The name of a memory as part of a metric's name."""
    return re.sub(r"\W+", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", name)).lower()


def hidden_error(completed, images, known=KNOWN) -> float:
    """The mean squared error over the hidden pixels."""
    hidden = np.broadcast_to(known, images.shape) == 0
    return float(((np.asarray(completed) - images)[hidden] ** 2).mean())


def found(completed, images) -> float:
    """How often the stored digit nearest to the completion is the right one."""
    gaps = ((np.asarray(completed)[:, None] - images[None]) ** 2).sum(-1)
    return float((gaps.argmin(1) == np.arange(len(images))).mean())


def complete(images, seed, steps):
    """Masked digits completed by memories of (almost) equally many parameters."""
    slots = PIXELS + 1  # 65 x 64 = 4,160 parameters, as in each network below
    memories = {
        "CovariancePC": nm.CovariancePC(features=PIXELS),
        "CovariancePC, implicit": nm.CovariancePC(features=PIXELS, form="implicit"),
        "GenerativePC": nm.GenerativePC(
            features=PIXELS, hidden=(64,), store_steps=steps, prior=0.3
        ),
        "BayesPCN": nm.BayesPCN(features=PIXELS, hidden=(40,)),  # its means and covariances
        "Hopfield": nm.Hopfield(slots=slots, features=PIXELS, beta=10.0, similarity="euclidean"),
    }
    known = np.broadcast_to(KNOWN, images.shape)
    answers, metrics = {}, {}
    for name, memory in progress(memories.items(), "memories", total=len(memories)):
        state = nm.store(memory, nm.init(memory, jax.random.key(seed)), images)
        answers[name] = np.asarray(nm.recall(memory, state, images * known, known=known))
        answers[name] = np.where(known > 0, images, answers[name])
        metrics[f"{key(name)}_error"] = hidden_error(answers[name], images)
        metrics[f"{key(name)}_found"] = found(answers[name], images)
    return answers, metrics


def recall_sequences(signs, lengths):
    """The part of frames right to the last pixel when each is recalled from the one before.

    Temporal PC, and the asymmetric Hopfield network W = sum x' outer x.
    """
    memory = nm.TemporalPC(features=PIXELS, output_activation=jnp.sign)
    results = {"TemporalPC": [], "asymmetric Hopfield": []}
    for length in lengths:
        frames = signs[:length]
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), frames)
        hebbian = frames[1:].T @ frames[:-1]
        steps = {
            "TemporalPC": lambda x, s=state: np.asarray(nm.recall(memory, s, x)),
            "asymmetric Hopfield": lambda x, w=hebbian: np.sign(x @ w.T),
        }
        for name, step in steps.items():
            made = [frames[:1]]
            for _ in range(length - 1):
                made.append(step(made[-1]))
            results[name].append(float((np.concatenate(made) == frames)[1:].all(1).mean()))
    return results


def repeated_frame(signs, seed, epochs):
    """A sequence in which one frame has two successors: one layer against two."""
    frames = signs[[0, 1, 2, 1, 3]]
    flat = nm.TemporalPC(features=PIXELS, output_activation=jnp.sign)
    deep = nm.DeepTemporalPC(features=PIXELS, hidden=64, output_activation=jnp.sign, epochs=epochs)
    right = {}
    for name, memory in {"temporal_pc": flat, "deep_temporal_pc": deep}.items():
        state = nm.store(memory, nm.init(memory, jax.random.key(seed)), frames)
        made = [nm.recall(memory, state, frames[:1], steps=k)[0] for k in range(1, 5)]
        right[f"{name}_repeated_frame"] = float((np.stack(made) == frames[1:]).all(1).mean())
    return right


def continual(images, seed):
    """The error over the hidden half of digits written one at a time, the newest first."""
    hidden, known = (128,), np.broadcast_to(KNOWN, images.shape)
    memories = {
        "BayesPCN": nm.BayesPCN(features=PIXELS, hidden=hidden),
        "BayesPCN, forgetting .01": nm.BayesPCN(features=PIXELS, hidden=hidden, decay=0.01),
        "GenerativePC": nm.GenerativePC(features=PIXELS, hidden=hidden, store_steps=100, prior=0.3),
    }
    errors = {}
    for name, memory in progress(memories.items(), "one at a time", total=len(memories)):
        state = nm.init(memory, jax.random.key(seed))
        for image in images:
            state = nm.store(memory, state, image[None])
        answer = np.asarray(nm.recall(memory, state, images * known, known=known))
        errors[name] = ((answer - images)[:, LEFT] ** 2).mean(1)[::-1]
    return errors


def draw_curves(curve, lengths, results, ages, average, file):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    left.semilogy(np.arange(1, len(curve) + 1), curve, label="training digits")
    left.set(xlabel="epoch", ylabel="energy per digit", title="The circuit learns digits")
    left.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    left.yaxis.set_minor_locator(plt.NullLocator())
    for name, values in results.items():
        middle.plot(lengths, values, "o-", label=name)
    middle.set_xscale("log", base=2)
    middle.xaxis.set_major_formatter("{x:g}")
    middle.set(xlabel="frames", ylabel="part recalled exactly", title="Sequences of digits")
    width = min(16, len(next(iter(ages.values()))) // 3)
    for name, errors in ages.items():
        smooth = np.convolve(errors, np.ones(width) / width, "valid")
        right.plot(np.arange(len(smooth)) + width / 2, smooth, label=name)
    right.axhline(average, color="gray", ls="--", lw=1, label="mean digit")
    right.set(
        xlabel=f"writes since (mean of {width})",
        ylabel="squared error, hidden half",
        title="Digits written one at a time",
        ylim=(0, None),
    )
    for axis in (left, middle, right):
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=8, frameon=False)
    figure.savefig(file, dpi=90)


def main() -> None:
    given = arguments("predictive_coding", __doc__.split("\n")[0])
    images, _ = digits()
    images = images[np.random.default_rng(given.seed).permutation(len(images))]
    train, unseen = images[: 200 if given.quick else 1000], images[1000:1500]

    network = circuit(hidden=32)
    state, curve = learn(network, train, given.seed, epochs=8 if given.quick else 60)
    state = nm.init(network, jax.random.key(0), batch=len(unseen)).set(nm.parameters(state))
    scattered = (np.random.default_rng(given.seed).random(unseen.shape) < 0.5).astype(float)
    metrics = {"energy_first": curve[0], "energy_last": curve[-1]}
    for name, known in (("half", KNOWN), ("scattered", scattered)):
        steps = 300 if given.quick else 2000
        completed = show(network, state, unseen, known, steps)["pixels.value"]
        metrics[f"circuit_{name}_error"] = hidden_error(completed, unseen, known)
        metrics[f"mean_digit_{name}_error"] = hidden_error(train.mean(0), unseen, known)

    stored = images[:100] if given.quick else images[:300]
    answers, scores = complete(stored, given.seed, 300 if given.quick else 2000)
    metrics |= scores

    signs = np.where(images > 0.5, 1.0, -1.0)
    signs = signs[np.sort(np.unique(signs, axis=0, return_index=True)[1])]
    lengths = [8] if given.quick else [2, 4, 8, 16, 32, 48, 64]
    results = recall_sequences(signs, lengths)
    for name, values in results.items():
        for length, share in zip(lengths, values, strict=True):
            metrics[f"{key(name)}_exact_{length}"] = share
    metrics |= repeated_frame(signs, given.seed, epochs=100 if given.quick else 300)

    ages = continual(images[:48] if given.quick else images[:256], given.seed)
    for name, errors in ages.items():
        metrics[f"{key(name)}_newest_error"] = float(errors[:16].mean())
        metrics[f"{key(name)}_oldest_error"] = float(errors[-16:].mean())

    rows = {"stored": stored, "cue": stored} | answers
    rows |= {"unseen": unseen, "cue, unseen": unseen, "circuit": completed}
    known = {"cue": np.broadcast_to(KNOWN, stored.shape), "cue, unseen": scattered}
    plot_images(rows, (8, 8), known=known)[0, 0].figure.savefig(
        given.out / "completion.png", dpi=90
    )
    average = hidden_error(stored.mean(0), stored)
    draw_curves(curve, lengths, results, ages, average, given.out / "curves.png")
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
