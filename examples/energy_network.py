"""An energy network completes digits: three layers, one energy, trained through its settling.

64 pixels - 8 groups of 32 softmax cells - 64 softmax cells. The known pixels are held, the others
settle with the hidden layers, layer by layer, and the weights are trained by backpropagation
through eight such sweeps, so that the missing pixels come out right. Held-out digits, the left half
missing.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from _script import arguments, finish

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.cells import SoftmaxLagrangian
from ngcmem.datasets import digits

SIZES = {"pixels": 64, "parts": 256, "top": 64}
SWEEPS = 8  # in training
LEFT = np.tile(np.arange(8) < 4, 8)


def network():
    joins = {"low": ("pixels", "parts"), "high": ("parts", "top")}
    lagrangians = {
        "pixels": nm.cells.QuadraticLagrangian(),
        "parts": SoftmaxLagrangian(groups=8),
        "top": SoftmaxLagrangian(),
    }
    layers = {
        name: nm.EnergyNeurons(units=units, lagrangian=lagrangians[name], tau=1.0)
        for name, units in SIZES.items()
    }
    synapses = {
        name: nm.HyperSynapse(layers={layer: SIZES[layer] for layer in pair})
        for name, pair in joins.items()
    }
    wires = [
        wire(f"{layer}.outputs", to=f"{name}.inputs.{layer}")
        for name, pair in joins.items()
        for layer in pair
    ]
    for layer in SIZES:
        sources = [delayed(f"{n}.drives.{layer}") for n, pair in joins.items() if layer in pair]
        wires.append(wire(*sources, to=f"{layer}.drive"))
    energies = [f"{name}.energy" for name in (*layers, *synapses)]
    wires.append(wire(*energies, to="total.terms"))
    return nm.connect({**layers, **synapses, "total": nm.TotalEnergy()}, wires)


CIRCUIT = network()


def settled(weights, images, known, sweeps):
    """The pixels after so many sweeps and the total energy after every step of them."""
    rows = len(images)
    state = nm.init(CIRCUIT, jax.random.key(0), batch=rows)
    state = state.set({"pixels.x": jnp.where(known > 0, images, 0.0), **weights})
    # One step without drives; then the parts alone, then pixels and top together, and so on.
    steps = 1 + 2 * sweeps
    parts = jnp.asarray(np.arange(steps) % 2 == 1)[:, None, None]
    held = {
        "parts.held": jnp.broadcast_to(jnp.where(parts, 0.0, 1.0), (steps, rows, 256)),
        "top.held": jnp.broadcast_to(jnp.where(parts, 1.0, 0.0), (steps, rows, 64)),
        "pixels.held": jnp.where(parts, 1.0, known[None]),
    }
    state, seen = nm.run(CIRCUIT, state, steps=steps, inputs=held, record="total.energy")
    return state["pixels.outputs"], seen["total.energy"]


def loss(weights, images, known):
    found, _ = settled(weights, images, known, SWEEPS)
    return jnp.sum((1.0 - known) * (found - images) ** 2) / jnp.sum(1.0 - known)


def masks(key, rows):
    """1 where known: one of the four halves is missing, or half of the 2x2 squares."""
    of_kind, of_half, of_square = jax.random.split(key, 3)
    row, column = jnp.arange(64) // 8, jnp.arange(64) % 8
    halves = jnp.stack([column < 4, column >= 4, row < 4, row >= 4])
    half = halves[jax.random.randint(of_half, (rows,), 0, 4)]
    squares = jax.random.bernoulli(of_square, 0.5, (rows, 4, 4))
    square = jnp.repeat(jnp.repeat(squares, 2, axis=1), 2, axis=2).reshape(rows, 64)
    missing = jnp.where(jax.random.bernoulli(of_kind, 0.5, (rows, 1)), half, square)
    return 1.0 - missing.astype(jnp.float32)


def trained(images, steps, key):
    state = nm.init(CIRCUIT, key)
    weights = {"low.weights": state["low.weights"], "high.weights": state["high.weights"]}
    optimizer = optax.adam(optax.cosine_decay_schedule(5e-3, steps))

    @jax.jit
    def some(carry, keys):
        def step(carry, key):
            weights, moments = carry
            of_rows, of_masks = jax.random.split(key)
            rows = images[jax.random.randint(of_rows, (64,), 0, len(images))]
            value, slope = jax.value_and_grad(loss)(weights, rows, masks(of_masks, 64))
            with jax.numpy_dtype_promotion("standard"):  # optax adds its integer count
                change, moments = optimizer.update(slope, moments, weights)
            return (optax.apply_updates(weights, change), moments), value

        return jax.lax.scan(step, carry, keys)

    carry, values = (weights, optimizer.init(weights)), []
    for chunk in jax.random.split(jax.random.fold_in(key, 1), (steps // 100, 100)):
        carry, value = some(carry, chunk)
        values.append(float(value.mean()))
    return carry[0], values


def figure(images, known, found, energy, path):
    drawn, axes = plt.subplots(3, 9, figsize=(9.6, 3.4), layout="constrained")
    for k in range(8):
        for row, shown in enumerate((images[k] * known[k], found[k], images[k])):
            axes[row, k].imshow(shown.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axes[row, k].set_axis_off()
    for row in range(3):
        axes[row, 8].set_axis_off()
    inset = drawn.add_axes((0.925, 0.12, 0.07, 0.76))
    inset.plot(energy[1:, :30], lw=0.5, color="0.5")
    inset.set_title("energy", fontsize=8)
    inset.tick_params(labelsize=6)
    drawn.savefig(path, dpi=150)


def main():
    given = arguments("energy_network", __doc__.splitlines()[0])
    images, _ = digits()
    images = np.asarray(images, np.float32).reshape(-1, 64)
    images = images / images.max()
    order = np.random.default_rng(given.seed).permutation(len(images))
    train, test = jnp.asarray(images[order[:1400]]), jnp.asarray(images[order[1400:]])
    steps = 200 if given.quick else 5000
    weights, values = trained(train, steps, jax.random.key(given.seed))
    print(f"training error {values[0]:.4f} to {values[-1]:.4f}")
    known = jnp.broadcast_to(1.0 - jnp.asarray(LEFT, jnp.float32), test.shape)
    errors, rises = {}, 0
    for sweeps in (4, SWEEPS, 40):
        found, energy = settled(weights, test, known, sweeps)
        errors[str(sweeps)] = float(jnp.mean((found - test)[:, LEFT] ** 2))
        rise = np.diff(np.asarray(energy, np.float64), axis=0)
        rises += int((rise > 1e-4).sum())
    mean = float(jnp.mean((train.mean(0, keepdims=True) - test)[:, LEFT] ** 2))
    print(f"left half of held-out digits: {errors} by sweeps, mean image {mean:.4f}")
    print(f"{rises} steps raised the energy, the largest by {rise.max():.1e}")
    found, energy = settled(weights, test, known, SWEEPS)
    figure(
        np.asarray(test), np.asarray(known), np.asarray(found), np.asarray(energy),
        given.out / "energy_network.png",
    )  # fmt: skip
    finish(dict(completion_error=errors, mean_image=mean, energy_rises=rises), given.out)


if __name__ == "__main__":
    main()
