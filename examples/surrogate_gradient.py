"""Training a spiking network by gradient descent through its spikes.

A circuit of two layers of leaky integrate-and-fire cells reads digits as held currents; its loss
is the cross-entropy of the mean membrane potential of ten read-out cells. `jax.grad` goes through
`nm.run`, where every spike has a surrogate derivative, and optax takes the steps. The same task is
then learned with each surrogate.
"""

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
from _script import arguments, finish, progress
from jax import Array
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ngcmem as nm
from ngcmem import wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STEPS, BATCH = 25, 64
SURROGATES = ("arctan", "fast_sigmoid", "sigmoid", "gaussian", "triangle", "box")


def network(hidden: int, surrogate: str) -> nm.Circuit:
    """64 pixels -> spiking hidden layer -> ten leaky cells that never spike."""
    return nm.connect(
        dict(
            first=nm.Dense(inputs=64, outputs=hidden, scale=60.0),
            hidden=nm.LIF(units=hidden, tau=10.0, refractory_time=0.0, surrogate=surrogate),
            second=nm.Dense(inputs=hidden, outputs=10, scale=10.0),
            readout=nm.RateCell(units=10, tau=20.0, activation=identity),
        ),
        wires=[
            wire("first.outputs", to="hidden.current"),
            wire("hidden.spikes", to="second.inputs"),
            wire("second.outputs", to="readout.inputs"),
        ],
    )


def identity(z: Array) -> Array:
    """The read-out's activation: one function object, so that nothing compiles twice."""
    return z


def scores(circuit: nm.Circuit, state: Any, params: Any, images: Array) -> tuple[Array, Array]:
    """The mean over time of the read-out, (batch, 10), and the hidden spikes per cell."""
    record = ("readout.outputs", "hidden.spikes")
    _, seen = nm.run(
        circuit, state.set(params), steps=STEPS, clamp={"first.inputs": images}, record=record
    )
    return seen["readout.outputs"].mean(0), seen["hidden.spikes"].sum(0).mean()


def train(surrogate: str, hidden: int, epochs: int, seed: int, data: Any) -> dict[str, Any]:
    x, test_x, y, test_y = data
    circuit = network(hidden, surrogate)
    state = nm.init(circuit, jax.random.key(seed), batch=BATCH)
    params = nm.parameters(state)
    optimizer = optax.adam(1e-2)

    def loss(params: Any, images: Array, labels: Array) -> Array:
        logits, _ = scores(circuit, state, params, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    @jax.jit
    def step(params: Any, inner: Any, images: Array, labels: Array) -> Any:
        value, gradients = jax.value_and_grad(loss)(params, images, labels)
        updates, inner = optimizer.update(gradients, inner, params)
        return optax.apply_updates(params, updates), inner, value

    inner, losses, order = optimizer.init(params), [], np.random.default_rng(seed)
    for _ in range(epochs):
        rows = order.permutation(len(x))[: len(x) // BATCH * BATCH].reshape(-1, BATCH)
        for batch in rows:
            params, inner, value = step(params, inner, x[batch], y[batch])
            losses.append(float(value))
    named, spikes = [], []
    for start in range(0, len(test_x), BATCH):
        rows = np.arange(start, start + BATCH) % len(test_x)
        logits, count = jax.jit(scores)(circuit, state, params, test_x[rows])
        named.append(np.asarray(logits).argmax(1))
        spikes.append(float(count))
    named = np.concatenate(named)[: len(test_x)]
    return dict(
        losses=losses,
        accuracy=float((named == test_y).mean()),
        spikes_per_cell=float(np.mean(spikes)),
    )


def draw(results: dict[str, Any], path: Any) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    x = jnp.linspace(-3, 3, 301)
    for name, result in results.items():
        losses = np.asarray(result["losses"])
        width = max(1, len(losses) // 40)
        smooth = np.convolve(losses, np.ones(width) / width, "valid")
        left.plot(smooth, label=f"{name} ({result['accuracy']:.1%})", linewidth=1.2)
        slope = jax.vmap(jax.grad(lambda x, name=name: nm.cells.spike(x, 1.0, name)))(x)
        right.plot(x, slope, label=name, linewidth=1.2)
    left.set(xlabel="step of Adam", ylabel="cross-entropy", yscale="log", title="training")
    left.legend(title="surrogate (held-out accuracy)", fontsize=7, title_fontsize=7)
    right.set(xlabel="(v - threshold) / width", ylabel="derivative", title="surrogates")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    given = arguments("surrogate_gradient", __doc__.splitlines()[0])
    hidden, epochs = (32, 2) if given.quick else (100, 15)
    names = SURROGATES[:2] if given.quick else SURROGATES
    pixels, labels = load_digits(return_X_y=True)
    data = train_test_split(
        (pixels / 16.0).astype(np.float32), labels, test_size=500, random_state=given.seed,
        stratify=labels,
    )  # fmt: skip
    results = {
        name: train(name, hidden, epochs, given.seed, data)
        for name in progress(names, "surrogates", total=len(names))
    }
    draw(results, given.out / "surrogates.png")
    finish(
        dict(
            test_accuracy=results["arctan"]["accuracy"],
            accuracies={name: result["accuracy"] for name, result in results.items()},
            first_loss=results["arctan"]["losses"][0],
            last_loss=float(np.mean(results["arctan"]["losses"][-10:])),
            spikes_per_hidden_cell=results["arctan"]["spikes_per_cell"],
            hidden_cells=hidden,
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
