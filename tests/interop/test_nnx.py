"""A memory, or a circuit, as a layer of a Flax network."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import ngcmem as nm
from ngcmem.interop import CircuitLayer, FixedParameter, MemoryLayer, StateVariable

PATTERNS = jax.random.normal(jax.random.key(7), (4, 6))
PROBES = PATTERNS[:3] + 0.1 * jax.random.normal(jax.random.key(8), (3, 6))
MEMORY = nm.Hopfield(slots=4, features=6, beta=1.0, eta=0.1)


def _stored(**options: object) -> MemoryLayer:
    state = nm.store(MEMORY, nm.init(MEMORY, jax.random.key(0)), PATTERNS)
    return MemoryLayer(MEMORY, state=state, **options)


def test_a_layer_recalls_what_the_memory_recalls_whatever_the_leading_axes() -> None:
    layer = _stored()
    expected = nm.recall(MEMORY, layer.state, PROBES)
    np.testing.assert_array_equal(layer(PROBES), expected)
    np.testing.assert_array_equal(layer(PROBES.reshape(3, 1, 6)), expected[:, None])
    known = jnp.ones((3, 6)).at[:, 4:].set(0)
    np.testing.assert_array_equal(
        layer(PROBES, known=known), nm.recall(MEMORY, layer.state, PROBES, known=known)
    )


def test_what_is_stored_in_the_forward_pass_is_recalled_under_jit() -> None:
    layer = MemoryLayer(nm.Hopfield(slots=4, features=6, beta=50.0), rngs=nnx.Rngs(0))

    @nnx.jit
    def forward(layer: MemoryLayer, patterns: jax.Array, probes: jax.Array) -> jax.Array:
        layer.store(patterns)
        return layer(probes)

    np.testing.assert_allclose(forward(layer, PATTERNS, PATTERNS), PATTERNS, atol=1e-5)
    assert int(layer.state["count"]) == 4


def test_learning_in_the_forward_pass_is_the_memorys_own_rule() -> None:
    layer = _stored()
    state = nm.rebatch(MEMORY, layer.state, batch=3).set({"inputs": PROBES})
    state = nm.evolve(MEMORY, nm.advance_state(MEMORY, state))
    outputs = nnx.jit(MemoryLayer.learn)(layer, PROBES)
    np.testing.assert_allclose(layer.state["weights"], state["weights"], atol=1e-6)
    np.testing.assert_allclose(outputs, state["outputs"], atol=1e-6)
    assert not np.allclose(state["weights"], _stored().state["weights"])
    assert layer.state["outputs"].shape == (1, 6)


def test_only_what_is_named_is_a_parameter() -> None:
    layer = _stored(params=("weights",), hyper_params=("beta",))
    definition, params, numbers, rest = nnx.split(layer, nnx.Param, FixedParameter, StateVariable)
    assert {path[-1] for path, _ in nnx.to_flat_state(params)} == {"beta", "weights"}
    assert {path[-1] for path, _ in nnx.to_flat_state(numbers)} == {"eta", "weight_decay"}
    merged = nnx.merge(definition, params, numbers, rest)
    np.testing.assert_array_equal(merged(PROBES), layer(PROBES))


def test_the_gradients_are_those_of_finite_differences() -> None:
    with jax.enable_x64():
        patterns, probes = (np.asarray(x, np.float64) for x in (PATTERNS, PROBES))
        memory = nm.Hopfield(slots=4, features=6, beta=1.0)
        state = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)
        layer = MemoryLayer(memory, state=state, params=("weights",), hyper_params=("beta",))

        def loss(beta: float, weights: np.ndarray) -> float:
            scores = beta * probes @ weights.T
            shares = np.exp(scores - scores.max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            return float(((shares @ weights) ** 2).sum())

        assert float((layer(probes) ** 2).sum()) == pytest.approx(loss(1.0, patterns), rel=1e-9)
        found = nnx.grad(lambda layer: (layer(probes) ** 2).sum())(layer)
        step = 1e-6
        slope = (loss(1 + step, patterns) - loss(1 - step, patterns)) / (2 * step)
        assert float(found["hyper_parameters"]["beta"].get_value()) == pytest.approx(slope, 1e-6)
        weights = found["compartments"]["weights"].get_value()
        for place in [(0, 0), (2, 3), (3, 5)]:
            moved = np.zeros_like(patterns)
            moved[place] = step
            slope = (loss(1.0, patterns + moved) - loss(1.0, patterns - moved)) / (2 * step)
            assert float(weights[place]) == pytest.approx(slope, rel=1e-5)


def test_a_recall_task_is_learned_by_the_layers_parameters() -> None:
    layer = MemoryLayer(
        nm.Hopfield(slots=4, features=6, beta=1.0),
        state=_stored().state,
        params=("weights",),
        hyper_params=("beta",),
    )
    targets = jnp.sign(PATTERNS)
    optimizer = nnx.Optimizer(layer, optax.adam(0.05), wrt=nnx.Param)

    @nnx.jit
    def step(layer: MemoryLayer, optimizer: nnx.Optimizer) -> jax.Array:
        loss, gradients = nnx.value_and_grad(lambda m: ((m(PATTERNS) - targets) ** 2).mean())(layer)
        optimizer.update(layer, gradients)
        return loss

    with jax.numpy_dtype_promotion("standard"):  # optax's bias correction
        losses = [float(step(layer, optimizer)) for _ in range(300)]
    assert losses[-1] < losses[0] / 100


def test_layers_are_mapped_and_scanned() -> None:
    @nnx.vmap
    def make(key: jax.Array) -> MemoryLayer:
        layer = MemoryLayer(MEMORY, rngs=nnx.Rngs(params=key))
        layer.store(jax.random.normal(key, (4, 6)))
        return layer

    keys = jax.random.split(jax.random.key(0), 2)
    several = make(keys)
    recalled = nnx.vmap(lambda layer, x: layer(x), in_axes=(0, None))(several, PROBES)
    for key, found in zip(keys, recalled, strict=True):
        state = nm.store(MEMORY, nm.init(MEMORY, jax.random.key(0)), jax.random.normal(key, (4, 6)))
        np.testing.assert_allclose(found, nm.recall(MEMORY, state, PROBES), atol=1e-6)

    layer = _stored()

    @nnx.scan(in_axes=(nnx.Carry, 0), out_axes=(nnx.Carry, 0))
    def write_and_read(layer: MemoryLayer, row: jax.Array) -> tuple[MemoryLayer, jax.Array]:
        layer.store(row[None])
        return layer, layer(row[None])[0]

    rows = jax.random.normal(jax.random.key(3), (5, 6))
    _, answers = write_and_read(layer, rows)
    state = _stored().state
    for row, answer in zip(rows, answers, strict=True):
        state = nm.store(MEMORY, state, row[None])
        np.testing.assert_allclose(answer, nm.recall(MEMORY, state, row[None])[0], atol=1e-6)


def test_fast_weights_remember_per_example() -> None:
    memory = nm.FastWeights(features=3, values=2)
    layer = MemoryLayer(memory, batch=2, rngs=nnx.Rngs(0))
    keys, values = jnp.eye(3)[:2], jnp.array([[1.0, 2.0], [3.0, 4.0]])
    layer.learn(jnp.zeros((2, 3)), keys=keys, values=values)
    np.testing.assert_allclose(layer(keys), values, atol=1e-6)
    np.testing.assert_allclose(layer(keys[::-1]), 0 * values, atol=1e-6)  # the other one's key


@pytest.mark.parametrize("name", ["weights", "targets", "beta"])
def test_an_nnx_param_stands_where_an_array_belongs(name: str) -> None:
    state = _stored().state
    if name == "weights":
        state = state.replace(weights=nnx.Param(state.weights * 2))
        expected = 2 * _stored().state["weights"]
        np.testing.assert_array_equal(state.weights, expected)
    elif name == "beta":
        memory = MEMORY.replace(beta=nnx.Param(jnp.asarray(1.0)))
        np.testing.assert_array_equal(
            nm.recall(memory, state, PROBES), nm.recall(MEMORY, state, PROBES)
        )
    else:
        stored = nm.store(MEMORY, nm.init(MEMORY, jax.random.key(0)), nnx.Param(PATTERNS))
        np.testing.assert_array_equal(stored.weights, state.weights)
        np.testing.assert_array_equal(
            nm.recall(MEMORY, state, nnx.Param(PROBES)), nm.recall(MEMORY, state, PROBES)
        )


CIRCUIT = nm.connect(
    dict(synapse=nm.Dense(inputs=3, outputs=2), cell=nm.LIF(units=2)),
    [nm.wire("synapse.outputs", to="cell.current")],
)


def test_a_circuit_as_a_layer_is_a_run_from_rest_and_trains_through_time() -> None:
    options = dict(inputs="synapse.inputs", outputs="cell.v", steps=5)
    layer = CircuitLayer(CIRCUIT, params=("synapse.weights",), rngs=nnx.Rngs(0), **options)
    images = jnp.array([[1.0, 2.0, 3.0], [20.0, 20.0, 20.0]])
    first = layer(images)
    assert first.shape == (5, 2, 2)
    np.testing.assert_array_equal(layer(images), first)
    state = nm.rebatch(CIRCUIT, layer.state, batch=2)
    _, seen = nm.run(CIRCUIT, state, steps=5, clamp={"synapse.inputs": images}, record="cell.v")
    np.testing.assert_array_equal(first, seen["cell.v"])
    gradient = nnx.grad(lambda layer: layer(images)[-1, 0].sum())(layer)
    found = gradient["compartments"]["synapse.weights"].get_value()
    step = 1e-2
    weights = layer.state["synapse.weights"]
    losses = [
        nm.run(
            CIRCUIT,
            state.set({"synapse.weights": weights.at[1, 0].add(shift)}),
            steps=5,
            clamp={"synapse.inputs": images},
            record="cell.v",
        )[1]["cell.v"][-1, 0].sum()
        for shift in (-step, step)
    ]
    assert float(found[1, 0]) == pytest.approx(float(losses[1] - losses[0]) / (2 * step), rel=1e-3)


def test_a_circuit_that_learns_keeps_what_it_learned() -> None:
    circuit = nm.connect(
        dict(synapse=nm.Hebbian(inputs=3, outputs=2, eta=0.1), cell=nm.RateCell(units=2)),
        [
            nm.wire("synapse.outputs", to="cell.inputs"),
            nm.wire("cell.outputs", to="synapse.post"),
        ],
    )
    layer = CircuitLayer(
        circuit,
        inputs="synapse.inputs",
        outputs="cell.outputs",
        steps=4,
        learn=True,
        rngs=nnx.Rngs(0),
    )
    before = layer.state["synapse.weights"]
    layer(jnp.ones((2, 3)))
    assert not np.allclose(layer.state["synapse.weights"], before)


def test_mistakes_are_named() -> None:
    with pytest.raises(TypeError, match="write CircuitLayer"):
        MemoryLayer(CIRCUIT, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="has weights to train"):
        _stored(params=("outputs",))
    with pytest.raises(ValueError, match=r"hyper_params names 'betta'.*beta"):
        _stored(hyper_params=("betta",))
    with pytest.raises(ValueError, match="give rngs="):
        MemoryLayer(MEMORY)
    with pytest.raises(ValueError, match=r"probe\[None\]"):
        _stored()(PROBES[0])
    layer = _stored()
    with pytest.raises(ValueError, match="rebatch"):
        layer.write_state(nm.rebatch(MEMORY, layer.state, batch=3))
    with pytest.raises(ValueError, match="another component"):
        layer.write_state(nm.init(nm.LIF(units=2), jax.random.key(0)))
    with pytest.raises(ValueError, match=r"cell\.spikess"):
        CircuitLayer(
            CIRCUIT, inputs="synapse.inputs", outputs="cell.spikess", steps=2, rngs=nnx.Rngs(0)
        )
