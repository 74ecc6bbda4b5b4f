"""A convolutional spiking network that names digits, trained through its spikes.

Two convolutions of leaky integrate-and-fire cells and ten read-out cells look at an 8 x 8 digit,
held as a current for 20 steps. The loss is the cross-entropy of the read-out's mean
potential; `jax.grad` goes through `nm.run`, where every spike has a surrogate derivative. Learning
rate and epochs were chosen on a validation part of the training digits.
"""

import argparse
from typing import Any

import matplotlib
import numpy as np
from _script import arguments, finish
from _training import identity, train
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ngcmem as nm
from ngcmem import reshaped, wire

matplotlib.use("Agg")
import matplotlib.pyplot as plt

STEPS, BATCH = 20, 50


def network(channels: int) -> nm.Circuit:
    """Image -> convolution -> cells -> convolution -> cells -> ten leaky read-outs."""
    first = nm.Conv(inputs=(8, 8, 1), channels=channels, kernel_size=3, padding="same")
    second = nm.Conv(inputs=first.outputs, channels=2 * channels, kernel_size=3, stride=2)
    units = int(np.prod(second.outputs))
    cell = dict(tau=10.0, refractory_time=0.0)
    return nm.connect(
        dict(
            first=first,
            low=nm.LIF(units=first.outputs, resistance=60.0, **cell),
            second=second,
            high=nm.LIF(units=second.outputs, resistance=60.0, **cell),
            out=nm.Dense(inputs=units, outputs=10, scale=10.0),
            readout=nm.RateCell(units=10, tau=20.0, activation=identity),
        ),
        [
            wire("first.outputs", to="low.current"),
            wire("low.spikes", to="second.inputs"),
            wire("second.outputs", to="high.current"),
            wire(reshaped("high.spikes", -1), to="out.inputs"),
            wire("out.outputs", to="readout.inputs"),
        ],
    )


def draw(result: dict[str, Any], path: Any) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4), layout="constrained")
    left.plot(np.convolve(result["losses"], np.ones(20) / 20, "valid"), linewidth=1.2)
    left.set(xlabel="step of Adam", ylabel="cross-entropy", yscale="log", title="training")
    kernels = np.asarray(result["params"]["first.weights"])[:, :, 0]
    size, count = len(kernels), kernels.shape[-1]
    rows = 2
    sheet = np.full((rows * (size + 1) - 1, count // rows * (size + 1) - 1), np.nan)
    for k in range(count // rows * rows):
        i, j = divmod(k, count // rows)
        place = slice(i * (size + 1), i * (size + 1) + size)
        sheet[place, j * (size + 1) : j * (size + 1) + size] = kernels[..., k]
    most = np.nanmax(np.abs(sheet))
    right.imshow(sheet, cmap="RdBu_r", vmin=-most, vmax=most)
    right.set(title="kernels of the first convolution", xticks=[], yticks=[])
    figure.savefig(path, dpi=110)
    plt.close(figure)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--validate", action="store_true", help="train on a part and test on the rest of training"
    )


def main() -> None:
    given = arguments("convolution", __doc__.splitlines()[0], options)
    channels, epochs = (4, 1) if given.quick else (12, 12)
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16.0).astype(np.float32).reshape(-1, 8, 8, 1)
    data = train_test_split(images, labels, test_size=500, random_state=given.seed, stratify=labels)
    if given.validate:
        x, _, y, _ = data
        data = train_test_split(x, y, test_size=300, random_state=given.seed, stratify=y)
    result = train(
        network(channels),
        data,
        ("first.inputs", "high.spikes"),
        epochs=epochs,
        seed=given.seed,
        steps=STEPS,
        batch=BATCH,
        learning_rate=5e-3,
    )
    draw(result, given.out / "convolution.png")
    finish(
        dict(
            test_accuracy=result["accuracy"],
            first_loss=result["losses"][0],
            last_loss=float(np.mean(result["losses"][-10:])),
            spikes_per_high_cell=result["spikes_per_cell"],
        ),
        given.out,
    )


if __name__ == "__main__":
    main()
