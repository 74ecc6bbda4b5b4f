"""Predictive coding on handwritten digits: a circuit that learns, and memories that complete.

1. A circuit of value and error cells learns digits and completes masked ones.
2. Memories of equal size complete the masked digits they stored.
3. Sequences of digits, which look alike, are recalled frame by frame.
"""

import jax
import jax.numpy as jnp
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import optax

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.datasets.digits import digits
from ngcmem.interop.scripts import arguments, finish, progress

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
    everything = np.ones(PIXELS)
    for _ in progress(range(epochs), "learning digits"):
        energies = []
        for rows in rng.permutation(len(images)).reshape(-1, batch):
            state = show(network, state, images[rows], everything, steps)
            energies.append(state["total.energy"].mean())
            state = nm.evolve(network, state)
        curve.append(float(np.mean(energies)))
    return state, curve


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
        "covariance_pc": nm.CovariancePC(features=PIXELS),
        "covariance_pc_implicit": nm.CovariancePC(features=PIXELS, form="implicit"),
        "generative_pc": nm.GenerativePC(
            features=PIXELS, hidden=(64,), store_steps=steps, prior=0.3
        ),
        "hopfield": nm.Hopfield(slots=slots, features=PIXELS, beta=10.0, similarity="euclidean"),
    }
    known = np.broadcast_to(KNOWN, images.shape)
    answers, metrics = {}, {}
    for name, memory in progress(memories.items(), "memories", total=len(memories)):
        state = nm.store(memory, nm.init(memory, jax.random.key(seed)), images)
        answers[name] = np.asarray(nm.recall(memory, state, images * known, known=known))
        answers[name] = np.where(known > 0, images, answers[name])
        metrics[f"{name}_error"] = hidden_error(answers[name], images)
        metrics[f"{name}_found"] = found(answers[name], images)
    return answers, metrics


def recall_sequences(signs, lengths):
    """Frames right to the last pixel when each is recalled from the true one before, and from
    the recalled one before; the same for the asymmetric Hopfield network W = sum x' outer x."""
    memory = nm.TemporalPC(features=PIXELS, output=jnp.sign)
    results = {"temporal_pc": [], "asymmetric_hopfield": []}
    for length in lengths:
        frames = signs[:length]
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), frames)
        hebbian = frames[1:].T @ frames[:-1]
        steps = {
            "temporal_pc": lambda x, s=state: np.asarray(nm.recall(memory, s, x)),
            "asymmetric_hopfield": lambda x, w=hebbian: np.sign(x @ w.T),
        }
        for name, step in steps.items():
            now, made = frames[:1], []
            for _ in range(length - 1):
                now = step(now)
                made.append(now[0])
            right = (np.stack(made) == frames[1:]).all(1)
            results[name].append((float(right.mean()), np.stack(made)))
    return results


def repeated_frame(signs, seed, epochs):
    """A sequence in which one frame has two successors: one layer against two."""
    a, b, c, d = signs[:4]
    frames = np.stack([a, b, c, b, d])
    right = {}
    for name, memory in (
        ("temporal_pc", nm.TemporalPC(features=PIXELS, output=jnp.sign)),
        (
            "deep_temporal_pc",
            nm.DeepTemporalPC(features=PIXELS, hidden=64, output=jnp.sign, epochs=epochs),
        ),
    ):
        state = nm.store(memory, nm.init(memory, jax.random.key(seed)), frames)
        made = [nm.recall(memory, state, frames[:1], steps=k)[0] for k in range(1, 5)]
        right[f"{name}_repeated_frame"] = float((np.stack(made) == frames[1:]).all(1).mean())
    return right


def draw_completion(rows, file):
    count = 10
    figure, axes = plt.subplots(len(rows), count, figsize=(count * 0.8, len(rows) * 0.9))
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, images, strict=False):
            axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    figure.subplots_adjust(left=0.25, right=0.99, top=0.99, bottom=0.01, hspace=0.1)
    figure.savefig(file, dpi=80)


def draw_curves(curve, lengths, results, file):
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    left.semilogy(np.arange(1, len(curve) + 1), curve)
    left.set(xlabel="epoch", ylabel="energy per digit", title="The circuit learns digits")
    for name, values in results.items():
        right.plot(lengths, [share for share, _ in values], "o-", label=name.replace("_", " "))
    right.set_xscale("log", base=2)
    right.set(
        xlabel="frames in the sequence",
        ylabel="frames recalled exactly",
        title="Sequences of digits",
        ylim=(-0.05, 1.05),
    )
    right.legend(fontsize=9)
    figure.tight_layout()
    figure.savefig(file, dpi=80)


def main() -> None:
    given = arguments("predictive_coding", __doc__.split("\n")[0])
    images, _ = digits()
    images = images[np.random.default_rng(given.seed).permutation(len(images))]
    train, unseen = (
        (images[:200], images[1000:1050]) if given.quick else (images[:1000], images[1000:1500])
    )

    network = circuit(hidden=32)
    state, curve = learn(network, train, given.seed, epochs=8 if given.quick else 60)
    state = nm.init(network, jax.random.key(0), batch=len(unseen)).set(nm.parameters(state))
    scattered = (np.random.default_rng(given.seed).random(unseen.shape) < 0.5).astype(float)
    average = np.broadcast_to(train.mean(0), unseen.shape)
    metrics, settle = {"energy_first": curve[0], "energy_last": curve[-1]}, 2000
    if given.quick:
        settle = 300
    for name, known in (("half", KNOWN), ("scattered", scattered)):
        completed = show(network, state, unseen, known, settle)["pixels.value"]
        metrics[f"circuit_{name}_error"] = hidden_error(completed, unseen, known)
        metrics[f"mean_digit_{name}_error"] = hidden_error(average, unseen, known)

    stored = images[:100] if given.quick else images[:300]
    answers, scores = complete(stored, given.seed, 300 if given.quick else 2000)
    metrics |= scores

    signs = np.where(images > 0.5, 1.0, -1.0)
    signs = signs[np.sort(np.unique(signs, axis=0, return_index=True)[1])]
    lengths = [8] if given.quick else [2, 4, 8, 16, 32, 48, 64]
    results = recall_sequences(signs, lengths)
    for name, values in results.items():
        for length, (share, _) in zip(lengths, values, strict=True):
            metrics[f"{name}_exact_{length}"] = share
    metrics |= repeated_frame(signs, given.seed, epochs=100 if given.quick else 300)

    cue = np.where(LEFT, 0.5, stored)
    rows = {"stored": stored, "cue": cue} | {
        name.replace("_", " "): answer for name, answer in answers.items()
    }
    rows |= {"unseen": unseen, "cue, unseen": np.where(scattered > 0, unseen, 0.5)}
    rows |= {"circuit": np.asarray(completed)}
    draw_completion(rows, given.out / "completion.png")
    draw_curves(curve, lengths, results, given.out / "curves.png")
    finish(metrics, given.out)


if __name__ == "__main__":
    main()
