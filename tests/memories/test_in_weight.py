"""The in-weight memory against an independent float64 NumPy implementation, and its promises."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import erf

import ngcmem as nm

ADAM = optax.adam(1e-2)
SMALL: dict[str, Any] = dict(vocabulary=5, outputs=4, hidden=(7,), memory=(2,), embedding=6)
CUES = jnp.eye(5)[jnp.array([0, 3, 3])]
CONTENTS = jnp.eye(4)[jnp.array([1, 2, 0])]
TARGETS = jnp.eye(4)[jnp.array([2, 3, 1])]


def ready(memory: nm.InWeight) -> nm.InWeightState:
    state = nm.init(memory, jax.random.key(0), batch=3)
    return state.replace(inputs=CUES, content=CONTENTS, targets=TARGETS)


def same(first: Any, second: Any) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


class Reference:
    """The document's network in float64 NumPy, gradients written out by hand."""

    def __init__(self, state: nm.InWeightState):
        slow = jax.tree.map(lambda x: np.asarray(x, np.float64), state.weights)
        (layer,) = slow["layers"]
        self.E, self.W, self.b = slow["embedding"], layer["kernel"], layer["bias"]
        self.R, self.H = slow["readout"], np.asarray(state.head, np.float64)

    def forward(self, cue: np.ndarray, M: np.ndarray, c: np.ndarray) -> Any:
        e = cue @ self.E
        a = np.concatenate([e @ self.W + self.b, e @ M + c])
        cdf = 0.5 * (1 + erf(a / np.sqrt(2)))
        slope = cdf + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
        return e, a * cdf, slope

    def write(self, cue: np.ndarray, content: np.ndarray, eta: float, steps: int) -> Any:
        n = self.W.shape[1]
        M, c = np.zeros((len(self.W), len(self.H) - n)), np.zeros(len(self.H) - n)
        for _ in range(steps):
            e, z, slope = self.forward(cue, M, c)
            d = (self.H @ (softmax(z @ self.H) - content) * slope)[n:]
            M, c = M - eta * np.outer(e, d), c - eta * d
        return M, c

    def gradient(self, cue: np.ndarray, M: np.ndarray, c: np.ndarray, target: np.ndarray) -> Any:
        e, z, slope = self.forward(cue, M, c)
        wrong = softmax(z @ self.R) - target
        d = self.R @ wrong * slope
        slow, fast = d[: self.W.shape[1]], d[self.W.shape[1] :]
        return {
            "embedding": np.outer(cue, self.W @ slow + M @ fast),
            "layers": ({"kernel": np.outer(e, slow), "bias": slow},),
            "readout": np.outer(z, wrong),
        }


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


@pytest.mark.parametrize("steps", [1, 3])
def test_one_step_equals_numpy_in_float64(steps: int) -> None:
    memory = nm.InWeight(**SMALL, optimizer=ADAM, memory_eta=2.0, inner_steps=steps)
    state = ready(memory)
    reference = Reference(state)
    after = nm.advance_state(memory, state)
    changes = nm.weight_changes(memory, after)
    learned = nm.evolve(memory, after)

    gradients = []
    for i in range(3):
        cue, content, target = (np.asarray(x[i], np.float64) for x in (CUES, CONTENTS, TARGETS))
        M, c = reference.write(cue, content, 2.0, steps)
        np.testing.assert_allclose(after.memory_weights[0]["kernel"][i], M, atol=1e-5)
        np.testing.assert_allclose(after.memory_weights[0]["bias"][i], c, atol=1e-5)
        z = reference.forward(cue, M, c)[1]
        np.testing.assert_allclose(after.outputs[i], z @ reference.R, atol=1e-5)
        np.testing.assert_allclose(after.memory_outputs[i], z @ reference.H, atol=1e-5)
        gradients.append(reference.gradient(cue, M, c, target))
    mean = jax.tree.map(lambda *g: np.mean(g, axis=0), *gradients)
    before, now = state.weights, learned.weights
    for g, change, old, new in zip(
        *map(jax.tree.leaves, (mean, changes, before, now)), strict=True
    ):
        np.testing.assert_allclose(change, -g, atol=1e-5)
        adam = np.where(
            np.abs(g) > 1e-4, 1e-2 * np.sign(g) / (1 + 1e-8 / np.maximum(np.abs(g), 1e-4)), 0
        )
        large = np.abs(g) > 1e-4  # the first Adam step is -rate g / (|g| + epsilon)
        np.testing.assert_allclose((new - old)[large], -adam[large], atol=1e-5)


def test_slow_and_fast_parameters_are_never_confused() -> None:
    memory = nm.InWeight(**SMALL, optimizer=ADAM)
    state = ready(memory)
    written = nm.advance_state(memory, state)
    assert same((written.weights, written.head), (state.weights, state.head))
    assert not same(written.memory_weights, state.memory_weights)
    learned = nm.evolve(memory, written)
    assert same((learned.memory_weights, learned.head), (written.memory_weights, written.head))
    for old, new in zip(*map(jax.tree.leaves, (written.weights, learned.weights)), strict=True):
        assert not np.array_equal(old, new)


def test_no_gradient_reaches_the_frozen_head_or_through_a_first_order_write() -> None:
    def loss(params: Any, memory: nm.InWeight, state: nm.InWeightState) -> jax.Array:
        after = nm.advance_state(memory, state.set(params))
        return (after.outputs**2).sum() + (after.memory_outputs**2).sum()

    first, second = (nm.InWeight(**SMALL, second_order=order) for order in (False, True))
    found = jax.grad(loss)(nm.parameters(ready(first)), first, ready(first))
    assert not found["head"].any()
    through = jax.grad(loss)(nm.parameters(ready(second)), second, ready(second))
    assert not through["head"].any()
    assert not same(found["weights"], through["weights"])


def test_second_order_is_the_gradient_through_the_write() -> None:
    memory = nm.InWeight(**SMALL, second_order=True, memory_eta=1.0, inner_steps=2)
    with jax.enable_x64(True):
        state = nm.init(memory, jax.random.key(0), batch=3)
        state = state.replace(
            inputs=np.asarray(CUES), content=np.asarray(CONTENTS), targets=np.asarray(TARGETS)
        )
        changes = nm.weight_changes(memory, nm.advance_state(memory, state))

        def loss(kernel: np.ndarray) -> float:
            layer = {**state.weights["layers"][0], "kernel": kernel}
            reference = Reference(state.replace(weights={**state.weights, "layers": (layer,)}))
            total = 0.0
            for cue, content, target in zip(
                *map(np.asarray, (CUES, CONTENTS, TARGETS)), strict=True
            ):
                z = reference.forward(cue, *reference.write(cue, content, 1.0, 2))[1]
                total -= np.log(softmax(z @ reference.R))[target.argmax()]
            return total / 3

        kernel = np.asarray(state.weights["layers"][0]["kernel"])
        for index in ((0, 0), (3, 4)):
            nudge = np.zeros_like(kernel)
            nudge[index] = 1e-6
            slope = (loss(kernel + nudge) - loss(kernel - nudge)) / 2e-6
            assert abs(changes["layers"][0]["kernel"][index] + slope) < 1e-7


def test_content_of_zero_and_reset_leave_an_empty_memory() -> None:
    memory = nm.InWeight(**SMALL, memory_eta=None, memory_optimizer=optax.adam(0.1))
    state = ready(memory)
    silent = nm.advance_state(memory, state.replace(content=jnp.zeros((3, 4))))
    empty = (state.memory_weights, state.memory_optimizer_state)
    assert same((silent.memory_weights, silent.memory_optimizer_state), empty)
    assert not silent.matched.any()
    written = nm.advance_state(memory, state)
    assert written.matched.all()
    again = nm.advance_state(memory, written.replace(clear=jnp.ones(3)))
    assert same(again.memory_weights, written.memory_weights)
    assert same(nm.reset(memory, written).memory_weights, state.memory_weights)


def test_store_read_and_recall() -> None:
    memory = nm.InWeight(**SMALL)
    state = nm.init(memory, jax.random.key(0), batch=2)
    stored = nm.store(memory, state, CUES, CONTENTS)
    by_hand = jax.tree.map(lambda x: x[0], state.replace(inputs=jnp.zeros((2, 5))).memory_weights)
    one = nm.init(memory, jax.random.key(0))
    one = jax.tree.unflatten(
        jax.tree.structure(one),
        [
            x[0] if r.batched else x
            for x, r in zip(jax.tree.leaves(one), one.leaf_roles(), strict=True)
        ],
    )
    for cue, content in zip(CUES, CONTENTS, strict=True):
        one = memory.write(one, cue, content)
    assert jax.tree.structure(by_hand) == jax.tree.structure(one.memory_weights)
    for a, b in zip(
        *map(jax.tree.leaves, (stored.memory_weights, one.memory_weights)), strict=True
    ):
        np.testing.assert_allclose(a, jnp.stack([b, b]), atol=1e-5)
    emptied = memory.reset_memory(one)
    assert not any(leaf.any() for leaf in jax.tree.leaves(emptied.memory_weights))
    assert same(emptied.weights, one.weights)
    read = nm.read(memory, stored, CUES[:2])
    assert same(read.memory_weights, stored.memory_weights) and read.matched.all()
    np.testing.assert_array_equal(read.outputs, nm.recall(memory, stored, CUES[:2]))
    with pytest.raises(ValueError, match="state's batch, 2, got 3"):
        nm.recall(memory, stored, CUES)
    with pytest.raises(ValueError, match=r"write nm.store\(memory, state, cues, contents\)"):
        nm.store(memory, state, CUES)


def test_two_layers_write_both() -> None:
    memory = nm.InWeight(**{**SMALL, "hidden": (7, 6), "memory": (2, 3)}, eta=0.1)
    state = nm.advance_state(memory, ready(memory))
    assert [layer["kernel"].shape for layer in state.memory_weights] == [(3, 6, 2), (3, 9, 3)]
    loss = -(CONTENTS * jax.nn.log_softmax(state.memory_outputs)).sum(-1)
    empty = nm.read(memory, nm.reset(memory, state), CUES)
    before = -(CONTENTS * jax.nn.log_softmax(empty.memory_outputs)).sum(-1)
    assert (loss < before).all()


@pytest.mark.parametrize(
    "wrong, text",
    [
        (dict(hidden=(7, 0)), "hidden holds the neurons of each layer"),
        (dict(hidden=7), "such as hidden=(2,), got 7"),
        (dict(hidden=(7, 7)), "one number per layer, got hidden=(7, 7), memory=(2,)"),
        (dict(memory_optimizer=ADAM), "write memory_eta=None"),
        (dict(optimizer=ADAM, eta=0.1), "give eta= or optimizer=, not both"),
        (dict(vocabulary=0), "vocabulary is a whole number of at least 1, got 0"),
        (dict(inner_steps=0), "inner_steps is a whole number of at least 1, got 0"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        nm.InWeight(**{**SMALL, **wrong})
