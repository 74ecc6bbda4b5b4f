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


def ready(memory: nm.InWeight) -> nm.memories.InWeightState:
    state = nm.init(memory, jax.random.key(0), batch=3)
    return state.replace(inputs=CUES, content=CONTENTS, targets=TARGETS)


def same(first: Any, second: Any) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


class Reference:
    """The document's network in float64 NumPy, any depth, gradients written out by hand."""

    def __init__(self, state: nm.memories.InWeightState):
        slow = jax.tree.map(lambda x: np.asarray(x, np.float64), state.weights)
        self.E, self.R, self.H = slow["embedding"], slow["readout"], np.asarray(state.head, float)
        self.slow = [(layer["kernel"], layer["bias"]) for layer in slow["layers"]]
        shapes = [layer["kernel"].shape[1:] for layer in state.memory_weights]
        self.empty = [(np.zeros(shape), np.zeros(shape[1])) for shape in shapes]

    def forward(self, cue: np.ndarray, fast: Any) -> tuple[np.ndarray, list[Any]]:
        """The last features, and every layer's input and slope of the GELU."""
        z, seen = cue @ self.E, []
        for (W, b), (M, c) in zip(self.slow, fast, strict=True):
            a = np.concatenate([z @ W + b, z @ M + c])
            cdf = 0.5 * (1 + erf(a / np.sqrt(2)))
            seen.append((z, cdf + a * np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)))
            z = a * cdf
        return z, seen

    def backward(self, d: np.ndarray, fast: Any, seen: Any) -> tuple[list, list, np.ndarray]:
        """Gradients of slow layers, fast layers and the embedded cue, from that of the features."""
        slow_slopes, fast_slopes = [], []
        for (W, _), (M, _), (z, slope) in zip(*map(reversed, (self.slow, fast, seen)), strict=True):
            d = d * slope
            low, high = d[: W.shape[1]], d[W.shape[1] :]
            slow_slopes.insert(0, {"kernel": np.outer(z, low), "bias": low})
            fast_slopes.insert(0, (np.outer(z, high), high))
            d = W @ low + M @ high
        return slow_slopes, fast_slopes, d

    def write(self, cue: np.ndarray, content: np.ndarray, eta: float, steps: int) -> Any:
        fast = self.empty
        for _ in range(steps):
            z, seen = self.forward(cue, fast)
            _, slopes, _ = self.backward(self.H @ (softmax(z @ self.H) - content), fast, seen)
            fast = [
                (M - eta * dM, c - eta * dc) for (M, c), (dM, dc) in zip(fast, slopes, strict=True)
            ]
        return fast

    def gradient(self, cue: np.ndarray, fast: Any, target: np.ndarray) -> Any:
        z, seen = self.forward(cue, fast)
        wrong = softmax(z @ self.R) - target
        layers, _, d = self.backward(self.R @ wrong, fast, seen)
        return {"embedding": np.outer(cue, d), "layers": layers, "readout": np.outer(z, wrong)}


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


@pytest.mark.parametrize(
    "hidden, neurons, eta, steps", [((7,), (2,), 10.0, 1), ((7, 5, 6), (2, 3, 1), 1.0, 3)]
)
def test_one_step_equals_numpy_in_float64(
    hidden: tuple[int, ...], neurons: tuple[int, ...], eta: float, steps: int
) -> None:
    """Inner update, answers, outer gradients (the embedding's among them) and outer update."""
    sizes = {**SMALL, "hidden": hidden, "memory": neurons}
    memory = nm.InWeight(**sizes, optimizer=ADAM, memory_eta=eta, inner_steps=steps)
    state = ready(memory)
    reference = Reference(state)
    after = nm.advance_state(memory, state)
    changes = nm.weight_changes(memory, after)
    learned = nm.evolve(memory, after)

    gradients = []
    for i in range(3):
        cue, content, target = (np.asarray(x[i], np.float64) for x in (CUES, CONTENTS, TARGETS))
        fast = reference.write(cue, content, eta, steps)
        for layer, (M, c) in zip(after.memory_weights, fast, strict=True):
            np.testing.assert_allclose(layer["kernel"][i], M, atol=1e-5)
            np.testing.assert_allclose(layer["bias"][i], c, atol=1e-5)
            assert np.abs(M).max() > 1e-3
        z = reference.forward(cue, fast)[0]
        np.testing.assert_allclose(after.outputs[i], z @ reference.R, atol=1e-5)
        np.testing.assert_allclose(after.memory_outputs[i], z @ reference.H, atol=1e-5)
        gradients.append(reference.gradient(cue, fast, target))
    mean = jax.tree.map(lambda *g: np.mean(g, axis=0), *gradients)
    mean["layers"] = tuple(mean["layers"])
    trees = (mean, changes, state.weights, learned.weights)
    assert len({str(jax.tree.structure(tree)) for tree in trees}) == 1
    for g, change, old, new in zip(*map(jax.tree.leaves, trees), strict=True):
        np.testing.assert_allclose(change, -g, atol=1e-5)
        large = np.abs(g) > 1e-4  # the first Adam step is -rate g / (|g| + epsilon)
        adam = -1e-2 * g[large] / (np.abs(g[large]) + 1e-8)
        np.testing.assert_allclose((new - old)[large], adam, atol=1e-5)


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
    stored = nm.store(memory, learned, CUES, CONTENTS)
    assert same((stored.weights, stored.head), (learned.weights, learned.head))
    assert "memory_weights" not in nm.parameters(state)
    assert jax.tree.structure(nm.weight_changes(memory, written)) == jax.tree.structure(
        state.weights
    )
    with pytest.raises(ValueError, match="memory_weights is a pytree"):
        nm.advance_state(memory, state.replace(memory_weights=state.weights))
    with pytest.raises(ValueError, match="weights is a pytree"):
        nm.evolve(memory, state.replace(weights=state.memory_weights))


def test_no_gradient_reaches_the_frozen_head_or_through_a_first_order_write() -> None:
    def loss(params: Any, memory: nm.InWeight, state: nm.memories.InWeightState) -> jax.Array:
        after = nm.advance_state(memory, state.set(params))
        return (after.outputs**2).sum() + (after.memory_outputs**2).sum()

    memory = nm.InWeight(**SMALL)
    state = ready(memory)
    found = jax.grad(loss)(nm.parameters(state), memory, state)
    assert not found["head"].any()
    fixed = nm.parameters(state)
    written = nm.advance_state(memory, state)

    def without_writing(params: dict) -> jax.Array:
        after = nm.advance_state(
            memory,
            written.set(params).replace(content=jnp.zeros_like(state.content)),
        )
        return (after.outputs**2).sum() + (after.memory_outputs**2).sum()

    constant = jax.grad(without_writing)(fixed)  # the written memory as a constant
    assert same(found["weights"], constant["weights"])


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
    one_by_one = state
    for cue, content in zip(CUES, CONTENTS, strict=True):
        both = (jnp.stack([x, x]) for x in (cue, content))
        one_by_one = memory.write(one_by_one, *both)
    for a, b in zip(
        *map(jax.tree.leaves, (stored.memory_weights, one_by_one.memory_weights)), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert same(memory.reset_memory(stored).memory_weights, state.memory_weights)
    assert same(memory.reset_memory(stored).weights, stored.weights)
    with pytest.raises(ValueError, match=r"inputs has shape \(2, 5\), got \(3, 5\)"):
        memory.write(stored, CUES, CONTENTS)
    read = nm.read(memory, stored, CUES[:2])
    assert same(read.memory_weights, stored.memory_weights) and read.matched.all()
    np.testing.assert_array_equal(read.outputs, nm.recall(memory, stored, CUES[:2]))
    with pytest.raises(ValueError, match="state's batch, 2, got 3"):
        nm.recall(memory, stored, CUES)
    with pytest.raises(ValueError, match=r"write nm.store\(memory, state, cues, contents\)"):
        nm.store(memory, state, CUES)


def test_evolve_is_one_step_of_the_optimizer() -> None:
    optimizer = optax.chain(optax.clip_by_global_norm(0.1), optax.adamw(1e-2))
    memory = nm.InWeight(**SMALL, optimizer=optimizer)
    state = nm.advance_state(memory, ready(memory))
    slopes = jax.tree.map(jnp.negative, nm.weight_changes(memory, state))
    with jax.numpy_dtype_promotion("standard"):  # optax adds its integer count
        updates, moments = optimizer.update(slopes, state.optimizer_state, state.weights)
    expected = optax.apply_updates(state.weights, updates)
    learned = nm.evolve(memory, state)
    for a, b in zip(
        *map(jax.tree.leaves, ((learned.weights, learned.optimizer_state), (expected, moments))),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_optimizers_that_ask_for_the_loss() -> None:
    """A line search writes better than as many steps of descent; Polyak's step learns."""
    memory = nm.InWeight(
        **SMALL,
        memory_eta=None,
        memory_optimizer=optax.lbfgs(),
        inner_steps=2,
        optimizer=optax.polyak_sgd(),
    )
    state = nm.advance_state(memory, ready(memory))
    descended = nm.InWeight(**SMALL, memory_eta=0.1, inner_steps=2)
    plain = nm.advance_state(descended, ready(descended))
    written, other = (-(CONTENTS * jax.nn.log_softmax(s.memory_outputs)) for s in (state, plain))
    assert (written.sum(-1) < other.sum(-1)).all()
    learned = nm.advance_state(memory, nm.evolve(memory, state).replace(clear=jnp.ones(3)))
    before, after = (-(TARGETS * jax.nn.log_softmax(s.outputs)).sum() for s in (state, learned))
    assert after < before


@pytest.mark.parametrize(
    "wrong, text",
    [
        (dict(hidden=(7, 0)), "hidden is a tuple of layer sizes, lowest first, such as"),
        (dict(memory=2.0), "or the size of one layer, got 2.0"),
        (dict(hidden=()), "or the size of one layer, got ()"),
        (dict(hidden=(7, 7)), "one number per layer, got hidden=(7, 7), memory=(2,)"),
        (dict(memory_optimizer=ADAM), "write memory_eta=None"),
        (dict(memory_eta=None), "the memory is written by memory_eta= or by memory_optimizer="),
        (dict(optimizer=ADAM, eta=0.1), "give eta= or optimizer=, not both"),
        (dict(optimizer=optax.adam), "optimizer is an optax transformation such as optax.adam"),
        (
            dict(memory_eta=None, memory_optimizer=0.1),
            "memory_optimizer is an optax transformation such as optax.adam(1e-3), got 0.1",
        ),
        (dict(vocabulary=0), "vocabulary is a whole number of at least 1, got 0"),
        (dict(inner_steps=0), "inner_steps is a whole number of at least 1, got 0"),
    ],
)
def test_mistakes_are_named(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        nm.InWeight(**{**SMALL, **wrong})
