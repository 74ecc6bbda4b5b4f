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
from _script import arguments, finish, progress
from _training import identity, train
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
        name: train(
            network(hidden, name),
            data,
            ("first.inputs", "hidden.spikes"),
            epochs=epochs,
            seed=given.seed,
            steps=STEPS,
            batch=BATCH,
            learning_rate=1e-2,
        )
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
