"""Convolutions, their transposes, patches and pooling against loops in float64."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import delayed, wire

CONVOLUTIONS = {
    "valid": nm.Conv(inputs=(6, 5, 2), channels=3, kernel_size=3),
    "same": nm.Conv(inputs=(6, 5, 2), channels=3, kernel_size=(3, 2), padding="same"),
    "stride": nm.Conv(inputs=(7, 6, 2), channels=4, kernel_size=3, stride=(2, 1), padding=1),
    "same stride": nm.Conv(inputs=(7, 6, 1), channels=2, kernel_size=4, stride=2, padding="same"),
    "dilation": nm.Conv(inputs=(8, 7, 1), channels=2, kernel_size=3, dilation=(2, 1)),
    "groups": nm.Conv(inputs=(5, 5, 4), channels=6, kernel_size=3, groups=2),
    "line": nm.Conv(inputs=(9, 2), channels=3, kernel_size=4, stride=2, padding=(1,)),
}


def _each(given, count):
    return given if isinstance(given, tuple) else (given,) * count


def _terms(conv: nm.Conv):
    """Every (output, input, weight) that meet, by the formula of the docstring."""
    space = len(conv.inputs) - 1
    size, stride, dilation = (
        _each(x, space) for x in (conv.kernel_size, conv.stride, conv.dilation)
    )
    before = []
    for axis in range(space):
        reach = 1 + (size[axis] - 1) * dilation[axis]
        if conv.padding == "same":
            outputs = -(-conv.inputs[axis] // stride[axis])
            before.append(max((outputs - 1) * stride[axis] + reach - conv.inputs[axis], 0) // 2)
        else:
            before.append(0 if conv.padding == "valid" else _each(conv.padding, space)[axis])
    per_in, per_out = conv.inputs[-1] // conv.groups, conv.channels // conv.groups
    for place in product(*map(range, conv.outputs[:-1])):
        for at in product(*map(range, size)):
            source = tuple(
                stride[a] * place[a] + dilation[a] * at[a] - before[a] for a in range(space)
            )
            if all(0 <= source[a] < conv.inputs[a] for a in range(space)):
                for o, c in product(range(conv.channels), range(per_in)):
                    channel = (o // per_out) * per_in + c
                    yield (*place, o), (*source, channel), (*at, c, o)


def _numbers(conv, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (batch, *conv.input_shape), (batch, *conv.output_shape), conv.weight_shape
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("conv", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolution_forward_back_and_update_equal_float64_loops(conv: nm.Conv) -> None:
    x, y, w = _numbers(conv)
    outputs, back, change = np.zeros_like(y), np.zeros_like(x), np.zeros_like(w)
    for target, source, weight in _terms(conv):
        outputs[:, *target] += x[:, *source] * w[weight]
        back[:, *source] += y[:, *target] * w[weight]
        change[weight] += (x[:, *source] * y[:, *target]).mean()
    state = nm.init(conv, jax.random.key(0), batch=3).replace(inputs=x, weights=w)
    found = nm.advance_state(conv, state)
    np.testing.assert_allclose(found.outputs, outputs, atol=1e-5)

    feedback = nm.Feedback(projection=conv)
    state = nm.init(feedback, jax.random.key(0), batch=3).replace(inputs=y, weights=w)
    np.testing.assert_allclose(nm.advance_state(feedback, state).outputs, back, atol=1e-5)

    hebbian = nm.Hebbian(projection=conv)
    state = nm.init(hebbian, jax.random.key(0), batch=3).replace(inputs=x, post=y, weights=w)
    np.testing.assert_allclose(nm.weight_changes(hebbian, state), change, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same", 1])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_brings_back_what_the_convolution_took(padding, groups) -> None:
    up = nm.ConvTranspose(
        inputs=(3, 4, 2), channels=4, kernel_size=3, stride=2, padding=padding, groups=groups
    )
    conv = nm.Conv(
        inputs=up.outputs, channels=2, kernel_size=3, stride=2, padding=padding, groups=groups
    )
    assert conv.outputs == up.inputs
    x, y, w = _numbers(up)
    outputs, change = np.zeros_like(y), np.zeros_like(w)
    for target, source, weight in _terms(conv):
        mine = (*weight[:-2], weight[-1], weight[-2])
        outputs[:, *source] += x[:, *target] * w[mine]
        change[mine] += (x[:, *target] * y[:, *source]).mean()
    state = nm.init(up, jax.random.key(0), batch=3).replace(inputs=x, weights=w)
    np.testing.assert_allclose(nm.advance_state(up, state).outputs, outputs, atol=1e-5)
    hebbian = nm.Hebbian(projection=up)
    state = nm.init(hebbian, jax.random.key(0), batch=3).replace(inputs=x, post=y, weights=w)
    np.testing.assert_allclose(nm.weight_changes(hebbian, state), change, atol=1e-5)


def test_patches_are_a_dense_synapse_with_blocks_on_its_diagonal() -> None:
    patched = nm.Patched(patches=3, inputs_per_patch=4, outputs_per_patch=2)
    x, y, w = _numbers(patched)
    whole, mask = np.zeros((12, 6)), np.zeros((12, 6))
    for p in range(3):
        whole[4 * p : 4 * p + 4, 2 * p : 2 * p + 2] = w[p]
        mask[4 * p : 4 * p + 4, 2 * p : 2 * p + 2] = 1
    state = nm.init(patched, jax.random.key(0), batch=3).replace(inputs=x, weights=w)
    found = nm.advance_state(patched, state).outputs
    np.testing.assert_allclose(found.reshape(3, 6), x.reshape(3, 12) @ whole, atol=1e-5)
    hebbian = nm.Hebbian(projection=patched)
    state = nm.init(hebbian, jax.random.key(0), batch=3).replace(inputs=x, post=y, weights=w)
    dense = mask * (x.reshape(3, 12).T @ y.reshape(3, 6)) / 3
    blocks = np.stack([dense[4 * p : 4 * p + 4, 2 * p : 2 * p + 2] for p in range(3)])
    np.testing.assert_allclose(nm.weight_changes(hebbian, state), blocks, atol=1e-5)


def test_dense_synapses_between_shapes_equal_those_between_their_units() -> None:
    shaped = nm.STDP(inputs=(2, 3), outputs=(2, 2), bounds="soft", total=1.5, a_plus=0.7)
    flat = nm.STDP(inputs=6, outputs=4, bounds="soft", total=1.5, a_plus=0.7)
    start = nm.init(flat, jax.random.key(0), batch=2)
    rng = np.random.default_rng(0)
    pre, post = rng.random((2, 6)), rng.random((2, 4))
    learning = dict(inputs=pre, pre_trace=2 * pre, post=post, post_trace=0.5 * post)
    expected = nm.evolve(flat, nm.advance_state(flat, start.replace(**learning)))
    found = nm.init(shaped, jax.random.key(0), batch=2)
    np.testing.assert_array_equal(found.weights.reshape(6, 4), start.weights)
    learning = {
        k: v.reshape(2, 2, 3) if v.shape[-1] == 6 else v.reshape(2, 2, 2)
        for k, v in learning.items()
    }
    found = nm.evolve(shaped, nm.advance_state(shaped, found.replace(**learning)))
    np.testing.assert_allclose(found.weights.reshape(6, 4), expected.weights, rtol=1e-6)
    np.testing.assert_allclose(found.outputs.reshape(2, 4), expected.outputs, rtol=1e-6)


def test_soft_bounds_and_totals_hold_for_a_shared_kernel() -> None:
    conv = nm.Conv(inputs=(6, 6, 1), channels=3, kernel_size=3)
    synapse = nm.STDP(projection=conv, total=2.0, eta=0.5)
    state = nm.init(synapse, jax.random.key(0), batch=2)
    np.testing.assert_allclose(state.weights.sum((0, 1, 2)), 2.0, rtol=1e-5)
    rng = np.random.default_rng(1)
    pre, post = rng.random((2, 6, 6, 1)), rng.random((2, 4, 4, 3))
    state = state.replace(inputs=pre, pre_trace=pre, post=post, post_trace=post)
    learned = nm.evolve(synapse, state).weights
    assert not np.allclose(learned, state.weights, atol=1e-3)
    np.testing.assert_allclose(learned.sum((0, 1, 2)), 2.0, rtol=1e-5)


@pytest.mark.parametrize("kind", ["sum", "average", "max"])
def test_pooling_equals_a_loop(kind: str) -> None:
    pool = nm.Pool(inputs=(5, 7, 2), kernel_size=(2, 3), stride=(2, 1), kind=kind, scale=1.5)
    x = np.random.default_rng(0).normal(size=(3, 5, 7, 2))
    reduce = {"sum": np.sum, "average": np.mean, "max": np.max}[kind]
    expected = np.zeros((3, 2, 5, 2))
    for i, j in product(range(2), range(5)):
        expected[:, i, j] = 1.5 * reduce(x[:, 2 * i : 2 * i + 2, j : j + 3], axis=(1, 2))
    state = nm.init(pool, jax.random.key(0), batch=3).replace(inputs=x)
    np.testing.assert_allclose(nm.advance_state(pool, state).outputs, expected, atol=1e-5)


def convolutional_circuit() -> nm.Circuit:
    """Values of an image predicted from two convolutional layers of causes."""
    down = nm.ConvTranspose(inputs=(3, 3, 4), channels=2, kernel_size=2, stride=2)
    low = nm.ConvTranspose(inputs=down.outputs, channels=1, kernel_size=3)
    top = nm.Patched(patches=1, inputs_per_patch=5, outputs_per_patch=36)
    sizes = dict(error2=(3, 3, 4), error1=down.outputs, error0=low.outputs)
    parts: dict = {name: nm.GaussianError(units=size) for name, size in sizes.items()}
    parts |= dict(
        value3=nm.Value(units=(1, 5)),
        value2=nm.Value(units=(3, 3, 4)),
        value1=nm.Value(units=down.outputs),
        predict2=nm.Predictive(projection=top, eta=0.1),
        predict1=nm.Predictive(projection=down, eta=0.1),
        predict0=nm.Predictive(projection=low, eta=0.1),
        back2=nm.Feedback(projection=top),
        back1=nm.Feedback(projection=down),
        back0=nm.Feedback(projection=low),
    )
    wires = [
        wire("value3.outputs", to="predict2.inputs"),
        wire(nm.reshaped("predict2.outputs", 3, 3, 4), to="error2.prediction"),
        wire(nm.reshaped("error2.error", 1, 36), to="predict2.error"),
        wire(nm.reshaped("error2.error", 1, 36), to="back2.inputs"),
    ]
    for layer in (1, 0):
        wires += [
            wire(f"value{layer + 1}.outputs", to=f"predict{layer}.inputs"),
            wire(f"predict{layer}.outputs", to=f"error{layer}.prediction"),
            wire(f"error{layer}.error", to=f"predict{layer}.error"),
            wire(f"error{layer}.error", to=f"back{layer}.inputs"),
        ]
    for layer in (2, 1, 0):
        wires += [
            wire(f"predict{layer}.weights", to=f"back{layer}.weights"),
            wire(delayed(f"back{layer}.outputs"), to=f"value{layer + 1}.feedback"),
        ]
    for layer in (2, 1):
        wires += [
            wire(f"value{layer}.value", to=f"error{layer}.target"),
            wire(delayed(f"-error{layer}.target_gradient"), to=f"value{layer}.drive"),
        ]
    return nm.connect(parts, wires)


def test_a_convolutional_predictive_circuit_learns_by_the_gradient_of_its_energy() -> None:
    circuit = convolutional_circuit()
    state = nm.init(circuit, jax.random.key(0), batch=4)
    image = jax.random.normal(jax.random.key(1), (4, 8, 8, 1))
    values = {
        f"value{i}.value": jax.random.normal(jax.random.key(2 + i), state[f"value{i}.value"].shape)
        for i in (1, 2, 3)
    }
    state, _ = nm.run(circuit, state.set(values), steps=5, clamp={"error0.target": image})
    changes = nm.weight_changes(circuit, state)

    def energy(weights: dict) -> jax.Array:
        total = jnp.zeros(())
        for layer, shape in ((2, (3, 3, 4)), (1, (6, 6, 2)), (0, (8, 8, 1))):
            synapse = circuit[f"predict{layer}"].projection
            w, b = weights[f"predict{layer}"]["weights"], weights[f"predict{layer}"]["bias"]
            cause = jnp.tanh(state[f"value{layer + 1}.value"])
            guess = jnp.stack([synapse.with_bias(synapse.transmit(c, w), b) for c in cause])
            target = image if layer == 0 else state[f"value{layer}.value"]
            total += 0.5 * jnp.sum((target - guess.reshape(4, *shape)) ** 2) / 4
        return total

    weights = {
        f"predict{i}": {k: state[f"predict{i}.{k}"] for k in ("weights", "bias")} for i in range(3)
    }
    slopes = jax.grad(energy)(weights)
    for name, slope in slopes.items():
        for kind in ("weights", "bias"):
            assert np.abs(slope[kind]).max() > 0.01
            np.testing.assert_allclose(changes[name][kind], -slope[kind], atol=1e-5)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: nm.Conv(inputs=28, channels=3, kernel_size=3), "Write inputs=(28, 28, 1)."),
        (
            lambda: nm.Conv(inputs=(4, 4, 1), channels=3, kernel_size=5),
            "Write padding='same' or a smaller kernel_size.",
        ),
        (
            lambda: nm.Conv(inputs=(4, 4, 3), channels=4, kernel_size=3, groups=2),
            "groups=2 does not divide the 3 channels of the inputs.",
        ),
        (lambda: nm.Conv(inputs=(4, 4, 3), channels=4, kernel_size=(3,)), "2 of them, got (3,)."),
        (
            lambda: nm.Conv(inputs=(4, 4, 3), channels=4, kernel_size=3, padding="full"),
            "padding is one of 'valid', 'same', or",
        ),
        (lambda: nm.Hebbian(inputs=4), "Hebbian needs outputs: write Hebbian(inputs=100"),
        (
            lambda: nm.Hebbian(inputs=4, projection=CONVOLUTIONS["valid"]),
            "inputs=4, but its projection makes them (6, 5, 2). Leave inputs out.",
        ),
        (
            lambda: nm.Oja(projection=CONVOLUTIONS["valid"]),
            "Oja takes no projection: its rule needs a matrix",
        ),
        (lambda: nm.Oja(inputs=(2, 2), outputs=3), "Write inputs=4 and reshaped(..., -1)"),
        (
            lambda: nm.STDP(projection=nm.Dense(inputs=2, outputs=3)),
            "a dense synapse needs no projection. Write STDP(inputs=..., outputs=...).",
        ),
        (lambda: nm.Pool(inputs=(4, 4, 1), kernel_size=5), "a window of 5 does not fit"),
    ],
)
def test_mistakes_say_what_to_write(make, text) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        make()
    assert text in str(caught.value)
