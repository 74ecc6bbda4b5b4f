"""A memory as a layer of a Flax network, and a memory that learns from one example.

Digits classified with and without a Hopfield lookup, at equal numbers of parameters. Then five
classes that training never saw: one example of each goes into an episodic memory, keyed by its
pixels and by features trained on the other five, and the label of a new digit is recalled.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from _script import arguments, finish, progress
from flax import nnx

import ngcmem as nm

SEEN, UNSEEN = (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
WAYS = len(UNSEEN)


class WithMemory(nnx.Module):
    """64 - 32, a lookup in 24 learned patterns added to it, 10 classes."""

    def __init__(self, rngs):
        self.encoder = nnx.Linear(64, 32, rngs=rngs)
        self.memory = nm.interop.HopfieldLookup(
            32, slots=24, heads=2, head_features=8, beta=2.0, rngs=rngs
        )
        self.readout = nnx.Linear(32, 10, rngs=rngs)

    def __call__(self, images):
        hidden = nnx.relu(self.encoder(images))
        return self.readout(nnx.relu(hidden + self.memory(hidden[:, None])[:, 0]))


class WithoutMemory(nnx.Module):
    """64 - 32, a hidden layer with as many parameters as the lookup added to it, 10 classes."""

    def __init__(self, width, rngs):
        self.encoder = nnx.Linear(64, 32, rngs=rngs)
        self.wide = nnx.Linear(32, width, rngs=rngs)
        self.narrow = nnx.Linear(width, 32, rngs=rngs)
        self.readout = nnx.Linear(32, 10, rngs=rngs)

    def __call__(self, images):
        hidden = nnx.relu(self.encoder(images))
        return self.readout(nnx.relu(hidden + self.narrow(nnx.relu(self.wide(hidden)))))


class Features(nnx.Module):
    """Two convolutions and a linear layer, 8 x 8 pixels to 64 numbers of norm 1."""

    def __init__(self, rngs):
        self.first = nnx.Conv(1, 16, (3, 3), rngs=rngs)
        self.second = nnx.Conv(16, 32, (3, 3), rngs=rngs)
        self.readout = nnx.Linear(4 * 4 * 32, 64, rngs=rngs)

    def __call__(self, images):
        hidden = nnx.relu(self.second(nnx.relu(self.first(images.reshape(-1, 8, 8, 1)))))
        pooled = nnx.avg_pool(hidden, (2, 2), (2, 2))
        return unit(self.readout(pooled.reshape(len(images), -1)))


def unit(x):
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)


def size(model):
    return sum(x.size for x in jax.tree.leaves(nnx.state(model, nnx.Param)))


def train(model, loss, images, labels, options, key):
    """Steps of an optimiser on random batches; the losses."""
    steps, batch, optimizer = options
    optimizer = nnx.Optimizer(model, optimizer, wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, key):
        of_batch, of_loss = jax.random.split(key)
        picked = jax.random.randint(of_batch, (batch,), 0, len(images))
        value, gradients = nnx.value_and_grad(loss)(model, images[picked], labels[picked], of_loss)
        optimizer.update(model, gradients)
        return value

    return [float(step(model, optimizer, k)) for k in jax.random.split(key, steps)]


def cross_entropy(model, images, labels, key):
    return optax.softmax_cross_entropy_with_integer_labels(model(images), labels).mean()


def neighbours(model, images, labels, key):
    """-ln of the share that images of its own class have among an image's neighbours.

    Neighbourhood components analysis, on images moved by up to one pixel.
    """
    moves = jax.random.randint(key, (len(images), 2), -1, 2)
    moved = jax.vmap(lambda x, by: jnp.roll(x.reshape(8, 8), by, (0, 1)).ravel())(images, moves)
    found = model(moved)
    itself = jnp.eye(len(found), dtype=bool)
    shares = jax.nn.log_softmax(jnp.where(itself, -jnp.inf, 40.0 * found @ found.T), axis=1)
    same = (labels[:, None] == labels[None]) & ~itself
    own = jax.nn.logsumexp(jnp.where(same, shares, -1e9), axis=1)
    return -jnp.where(same.any(1), own, 0.0).mean()


def turned(images, labels):
    """Every class eight times, turned and mirrored: each a class of its own."""
    pictures = images.reshape(-1, 8, 8)
    both = (pictures, pictures[:, :, ::-1])
    all_ways = [np.rot90(one, k, (1, 2)).reshape(-1, 64) for one in both for k in range(4)]
    return np.concatenate(all_ways), np.concatenate([8 * labels + k for k in range(8)])


def accuracy(model, images, labels):
    return float((model(images).argmax(1) == labels).mean())


def compare(data, steps, seed):
    """Accuracy on the digits with and without the memory."""
    key, options = jax.random.key(seed), (steps, 64, optax.adam(3e-3))
    with_memory = WithMemory(nnx.Rngs(seed))
    spare = size(with_memory) - (65 * 32 + 33 * 10)
    without = WithoutMemory(round((spare - 32) / 65), nnx.Rngs(seed))
    models = (with_memory, without)
    curves = [train(m, cross_entropy, *data["train"], options, key) for m in models]
    found = [accuracy(m, *data["test"]) for m in models]
    return found, curves, (size(with_memory), size(without))


def one_shot(keys, labels, episodes, rng):
    """5-way 1-shot accuracy of an episodic memory on these keys."""
    memory = nm.Episodic(
        slots=WAYS, keys=keys.shape[1], values=WAYS, similarity="euclidean", separation="max"
    )
    empty = nm.init(memory, jax.random.key(0))

    @jax.jit
    def episode(stored, probes):
        state = nm.store(memory, empty, stored, jnp.eye(WAYS))
        return nm.recall(memory, state, probes).argmax(1)

    right = []
    for _ in progress(range(episodes), "episodes", episodes):
        chosen = [rng.choice(np.flatnonzero(labels == c), 6, replace=False) for c in UNSEEN]
        stored = keys[[c[0] for c in chosen]]
        probes = keys[np.concatenate([c[1:] for c in chosen])]
        right.append((np.asarray(episode(stored, probes)) == np.repeat(np.arange(WAYS), 5)).mean())
    return float(np.mean(right)), float(np.std(right) / np.sqrt(episodes))


def few_shot(data, steps, networks, episodes, seed):
    """One example of each unseen class as keys: learned features beside pixels, and each alone.

    Settings were chosen on the five seen classes, three to train and two to try.
    """
    images, labels = (np.concatenate([data[k][i] for k in ("train", "test")]) for i in (0, 1))
    seen = np.isin(labels, SEEN)
    options = (steps, 192, optax.adamw(2e-3, weight_decay=1e-3))
    examples = [jnp.asarray(x) for x in turned(images[seen], labels[seen])]
    pixels, own = images[~seen], labels[~seen]
    models = [Features(nnx.Rngs(1000 * seed + k)) for k in range(networks)]
    for k, model in enumerate(models):
        train(model, neighbours, *examples, options, jax.random.key(1000 * seed + k))
    learned = np.concatenate([model(jnp.asarray(pixels)) for model in models], axis=1)
    learned /= np.sqrt(networks)
    together = np.concatenate([learned, np.asarray(unit(pixels))], axis=1)
    keys = {"both": together, "pixels": pixels, "learned": learned}
    return {k: one_shot(x, own, episodes, np.random.default_rng(seed)) for k, x in keys.items()}


def figure(curves, found, shots, path):
    drawn, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for curve, name, score in zip(curves, ("with the memory", "without"), found, strict=True):
        smooth = np.convolve(curve, np.ones(25) / 25, "valid")
        left.semilogy(smooth, label=f"{name}: {score:.3f} right")
    left.set(xlabel="step", ylabel="training loss", title="Digits, equal parameters")
    left.legend(fontsize=8)
    names = {
        "both": "memory of\nfeatures, pixels",
        "learned": "memory of\nfeatures",
        "pixels": "nearest mean\nof pixels",
    }
    values = [shots[k] for k in names]
    right.bar(list(names.values()), [v[0] for v in values], yerr=[2 * v[1] for v in values])
    right.axhline(1 / WAYS, color="0.5", ls="--", lw=1, label="chance")
    right.set(ylabel="accuracy", ylim=(0, 1), title="One example of five unseen classes")
    right.legend(fontsize=8)
    drawn.savefig(path, dpi=150)


def main():
    given = arguments("memory_in_a_network", __doc__.splitlines()[0])
    images, labels = nm.datasets.digits()
    images, labels = np.asarray(images, np.float32), np.asarray(labels)
    order = np.random.default_rng(given.seed).permutation(len(images))
    test, rest = order[:397], order[397:]
    data = {
        name: (jnp.asarray(images[i]), jnp.asarray(labels[i]))
        for name, i in (("test", test), ("train", rest))
    }
    found, curves, sizes = compare(data, 150 if given.quick else 2000, given.seed)
    shots = few_shot(data, *((60, 1, 60) if given.quick else (1000, 4, 1000)), given.seed)
    print(
        f"digits: {found[0]:.3f} with ({sizes[0]} parameters), {found[1]:.3f} without ({sizes[1]})"
    )
    for name, (mean, error) in shots.items():
        print(f"one example of five unseen classes, {name}: {mean:.3f} +- {error:.3f}")
    figure(curves, found, shots, given.out / "memory_in_a_network.png")
    finish(
        dict(
            accuracy_with=found[0],
            accuracy_without=found[1],
            parameters=sizes,
            fewshot_accuracy=shots["both"][0],
            nearest_mean_accuracy=shots["pixels"][0],
            same_features_nearest_mean=shots["both"][0],  # of one example a class, the same thing
            learned_features_alone=shots["learned"][0],
            loss_ratio=float(np.mean(curves[0][-25:]) / np.mean(curves[0][:1])),
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
