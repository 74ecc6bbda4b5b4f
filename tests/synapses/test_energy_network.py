"""Energy networks: closed forms, descent, the library's memories, three ways to learn."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp, softmax, xlogy

import ngcmem as nm
from ngcmem import delayed, wire
from ngcmem.cells import (
    Lagrangian,
    LayerNormLagrangian,
    QuadraticLagrangian,
    ReluLagrangian,
    SigmoidLagrangian,
    SoftmaxLagrangian,
    SphericalLagrangian,
    TanhLagrangian,
)
from ngcmem.synapses import (
    AttentionInteraction,
    ConvolutionInteraction,
    DenseInteraction,
    DifferenceInteraction,
    Interaction,
    MemoryInteraction,
    ThreeWayInteraction,
)


def network(neurons: dict[str, Any], synapses: dict[str, nm.HyperSynapse]) -> nm.Circuit:
    """Layers and hypersynapses that name them, wired, with the total of their energies."""
    wires = []
    drives: dict[str, list[Any]] = {name: [] for name in neurons}
    for name, synapse in synapses.items():
        for layer, _ in synapse.layers:
            wires.append(wire(f"{layer}.outputs", to=f"{name}.inputs.{layer}"))
            drives[layer].append(delayed(f"{name}.drives.{layer}"))
    wires += [wire(*sources, to=f"{name}.drive") for name, sources in drives.items() if sources]
    energies = [f"{name}.energy" for name in (*neurons, *synapses)]
    total = {"total": nm.TotalEnergy()}
    return nm.connect({**neurons, **synapses, **total}, [*wires, wire(*energies, to="total.terms")])


def joining(layers: dict[str, int], interaction: Interaction) -> nm.HyperSynapse:
    return nm.HyperSynapse(layers=layers, interaction=interaction)


X = np.random.default_rng(0).normal(size=12)


def _layer_norm(x: np.ndarray) -> tuple[np.ndarray, float]:
    spread = np.sqrt(x.var() + 1e-5)
    return 1.5 * (x - x.mean()) / spread + 0.2, -x.size * 1.5 * 1e-5 / spread


def _groups(x: np.ndarray) -> tuple[np.ndarray, float]:
    g = np.concatenate([softmax(2 * part) for part in x.reshape(3, 4)])
    return g, float(xlogy(g, g).sum() / 2)


CLOSED: dict[str, tuple[Lagrangian, Any]] = {
    "quadratic": (QuadraticLagrangian(), lambda x: (x, x @ x / 2)),
    "relu": (
        ReluLagrangian(exponent=3),
        lambda x: (np.maximum(x, 0) ** 2, 2 / 3 * (np.maximum(x, 0) ** 3).sum()),
    ),
    "tanh": (
        TanhLagrangian(beta=2.0),
        lambda x: (np.tanh(2 * x), (x * np.tanh(2 * x) - np.log(np.cosh(2 * x)) / 2).sum()),
    ),
    "sigmoid": (
        SigmoidLagrangian(),
        lambda x: (
            1 / (1 + np.exp(-x)),
            sum(xlogy(p, p) + xlogy(1 - p, 1 - p) for p in 1 / (1 + np.exp(-x))),
        ),
    ),
    "softmax": (SoftmaxLagrangian(beta=2.0, groups=3), _groups),
    "layer norm": (LayerNormLagrangian(gain=1.5, shift=0.2), _layer_norm),
    "spherical": (
        SphericalLagrangian(eps=0.1),
        lambda x: (x / np.sqrt(x @ x + 0.1), -0.1 / np.sqrt(x @ x + 0.1)),
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_activations_and_energies_are_the_closed_forms(name: str) -> None:
    lagrangian, closed = CLOSED[name]
    activation, energy = lagrangian.activation_and_energy(jnp.asarray(X, jnp.float32))
    expected = closed(np.float64(np.float32(X)))
    np.testing.assert_allclose(activation, expected[0], atol=2e-6)
    assert energy == pytest.approx(expected[1], abs=2e-5)
    hessian = np.asarray(jax.hessian(lagrangian)(jnp.asarray(X, jnp.float32)))
    assert np.linalg.eigvalsh((hessian + hessian.T) / 2).min() > -1e-5


SETS = {
    "tanh relu softmax": (TanhLagrangian(), ReluLagrangian(), SoftmaxLagrangian()),
    "identity tanh softmax": (QuadraticLagrangian(), TanhLagrangian(), SoftmaxLagrangian()),
    "norm tanh spherical": (LayerNormLagrangian(), TanhLagrangian(), SphericalLagrangian()),
}


@pytest.mark.parametrize("name", SETS)
def test_the_total_energy_never_rises(name: str) -> None:
    """50 random starts, dense pairs and a three-way synapse; and it is the one of the state."""
    sizes = {"a": 12, "b": 8, "c": 5}
    neurons = {
        k: nm.EnergyNeurons(units=n, lagrangian=lagrangian, tau=tau)
        for (k, n), lagrangian, tau in zip(
            sizes.items(), SETS[name], (10.0, 5.0, 20.0), strict=True
        )
    }
    pairs = {p: nm.HyperSynapse(layers={k: sizes[k] for k in p}) for p in ("ab", "bc")}
    three = nm.HyperSynapse(layers=sizes, interaction=ThreeWayInteraction())
    circuit = network(neurons, {**pairs, "abc": three})
    state = nm.init(circuit, jax.random.key(1), batch=50)
    rng = np.random.default_rng(2)
    state = state.set({f"{k}.x": rng.normal(size=(50, n)) for k, n in sizes.items()})
    for synapse in ("ab", "bc", "abc"):
        state = state.set({f"{synapse}.weights": 0.4 * state[f"{synapse}.weights"]})
    record = ["total.energy", *(f"{k}.x" for k in sizes)]
    _, seen = nm.run(circuit, state, steps=200, dt=0.5, record=record)
    energy = np.asarray(seen["total.energy"], np.float64)
    assert np.diff(energy, axis=0).max() <= 2e-6 * np.abs(energy).max()
    assert (energy[0] - energy[-1] > 1e-2).mean() > 0.9

    with jax.enable_x64(True):
        for row in (0, 7, 150):
            g, expected = {}, 0.0
            for k in sizes:
                x = jnp.asarray(np.float64(seen[f"{k}.x"][row, 3]))
                g[k], own = neurons[k].lagrangian.activation_and_energy(x)
                expected += float(own)
            for p in ("ab", "bc"):
                expected -= float(g[p[0]] @ np.float64(state[f"{p}.weights"]) @ g[p[1]])
            t = np.float64(state["abc.weights"])
            expected -= float(np.einsum("ijk,i,j,k", t, *(np.asarray(g[k]) for k in "abc")))
            assert energy[row, 3] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_modern_hopfield_network_is_a_special_case() -> None:
    """A quadratic layer with a softmax memory at dt = tau recalls like nm.Hopfield."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(20, 16)).astype(np.float32) / 4
    probes = patterns[:6] + 0.1 * rng.normal(size=(6, 16)).astype(np.float32)
    memory = nm.Hopfield(slots=20, features=16, beta=8.0)
    stored = nm.store(memory, nm.init(memory, jax.random.key(0)), patterns)
    circuit = network(
        {"v": nm.EnergyNeurons(units=16, tau=1.0)},
        {"m": joining({"v": 16}, MemoryInteraction(slots=20, beta=8.0))},
    )
    state = nm.init(circuit, jax.random.key(0), batch=6)
    state, seen = nm.run(
        circuit, state.set({"m.weights": patterns, "v.x": probes}), steps=4,
        record=["v.outputs", "total.energy"],
    )  # fmt: skip
    for steps in (1, 2, 3):
        found = nm.recall(memory, stored, probes, steps=steps)
        np.testing.assert_allclose(seen["v.outputs"][steps], found, atol=1e-5)
    x = np.float64(seen["v.outputs"])
    overlaps = np.einsum("sbf,mf->sbm", x, np.float64(patterns))
    energies = (x**2).sum(-1) / 2 - logsumexp(8 * overlaps, axis=-1) / 8
    np.testing.assert_allclose(seen["total.energy"], energies, atol=1e-5)


def test_a_bidirectional_memory_is_a_special_case() -> None:
    """Two steep tanh layers in turn, at dt = tau, are nm.BidirectionalAssociative."""
    rng = np.random.default_rng(1)
    first, second = np.sign(rng.normal(size=(3, 15))), np.sign(rng.normal(size=(3, 11)))
    memory = nm.BidirectionalAssociative(first=15, second=11)
    stored = nm.store(
        memory,
        nm.init(memory, jax.random.key(0)),
        {"first": jnp.asarray(first, jnp.float32), "second": jnp.asarray(second, jnp.float32)},
    )
    probe = first * np.where(rng.uniform(size=first.shape) < 0.2, -1, 1)
    steep = TanhLagrangian(beta=30.0)
    circuit = network(
        {
            k: nm.EnergyNeurons(units=n, lagrangian=steep, tau=1.0)
            for k, n in (("a", 15), ("b", 11))
        },
        {"ab": nm.HyperSynapse(layers={"a": 15, "b": 11})},
    )
    state = nm.init(circuit, jax.random.key(0), batch=3)
    state = state.set({"ab.weights": stored.weights, "a.x": probe})
    turns = np.array([[1, 1], [1, 0], [0, 1]])  # held: both, a, b
    state, _ = nm.run(
        circuit,
        state,
        steps=3,
        inputs={
            "a.held": np.broadcast_to(turns[:, 0, None, None], (3, 3, 15)).astype(np.float32),
            "b.held": np.broadcast_to(turns[:, 1, None, None], (3, 3, 11)).astype(np.float32),
        },
    )
    cue = {"first": jnp.asarray(probe, jnp.float32), "second": jnp.zeros((3, 11))}
    after = nm.recall(memory, stored, cue, steps=1)
    np.testing.assert_allclose(state["a.outputs"], after["first"], atol=1e-5)
    np.testing.assert_allclose(state["b.outputs"], after["second"], atol=1e-5)


@pytest.mark.parametrize("interaction", ["rectified", "exponential"])
def test_dense_memories_have_the_energy_of_dense_associative(
    interaction: Literal["rectified", "exponential"],
) -> None:
    rng = np.random.default_rng(2)
    patterns = np.sign(rng.normal(size=(5, 14))).astype(np.float32)
    probes = patterns[:4] * np.where(rng.uniform(size=(4, 14)) < 0.1, -1, 1)
    memory = nm.DenseAssociative(slots=5, features=14, interaction=interaction)
    state = nm.store(memory, nm.init(memory, jax.random.key(0), batch=4), patterns)
    state = nm.read(memory, state, jnp.asarray(probes, jnp.float32), steps=1)
    kind = "softmax" if interaction == "exponential" else "rectified"
    dense = MemoryInteraction(slots=5, kind=kind, exponent=3)
    found = jax.vmap(lambda g: dense.energy(jnp.asarray(patterns), (g,)))(state.outputs)
    factor = 1 if kind == "softmax" else 3
    np.testing.assert_allclose(factor * found, state.energy, rtol=1e-5)


def test_convolution_is_the_sum_over_windows() -> None:
    convolution = ConvolutionInteraction(shape=(5, 4, 2), window=(2, 3), features=3)
    synapse = joining({"image": 40, "maps": 24}, convolution)
    state = nm.init(synapse, jax.random.key(0))
    rng = np.random.default_rng(0)
    image, maps = rng.normal(size=(5, 4, 2)), rng.normal(size=(4, 2, 3))
    inputs = {"image": image.reshape(1, -1), "maps": maps.reshape(1, -1)}
    state = state.set({f"inputs.{k}": v for k, v in inputs.items()})
    weights = np.float64(state.weights)
    found = np.zeros_like(maps)
    for i in range(4):
        for j in range(2):
            found[i, j] = np.einsum("hwc,hwcf->f", image[i : i + 2, j : j + 3], weights)
    state = nm.advance_state(synapse, state)
    assert state.energy[0] == pytest.approx(-(maps * found).sum(), rel=1e-5)
    np.testing.assert_allclose(state["drives"]["maps"][0], found.reshape(-1), atol=1e-5)


@pytest.mark.parametrize("to_itself", [False, True])
def test_attention_drives_tokens_by_keys_and_queries(to_itself: bool) -> None:
    """sum_k p_qk K_k W_Q and, through the keys, sum_q p_qk Q_q W_K, written by hand."""
    attention = AttentionInteraction(tokens=4, heads=2, width=3, to_itself=to_itself)
    synapse = joining({"tokens": 20}, attention)
    state = nm.init(synapse, jax.random.key(0))
    g = np.random.default_rng(0).normal(size=(4, 5))
    state = nm.advance_state(synapse, state.set({"inputs.tokens": g.reshape(1, 20)}))
    beta, energy, drive = 3**-0.5, 0.0, np.zeros_like(g)
    of_key, of_query = (np.asarray(state.weights[k], np.float64) for k in ("key", "query"))
    for w_k, w_q in zip(of_key, of_query, strict=True):
        keys, queries = g @ w_k, g @ w_q
        scores = beta * queries @ keys.T
        if not to_itself:
            np.fill_diagonal(scores, -np.inf)
        energy -= logsumexp(scores, axis=1).sum() / beta
        p = softmax(scores, axis=1)
        drive += p @ keys @ w_q.T + p.T @ queries @ w_k.T
    assert state.energy[0] == pytest.approx(energy, rel=1e-5)
    np.testing.assert_allclose(state["drives"]["tokens"][0].reshape(4, 5), drive, atol=2e-5)


def test_an_energy_transformer_block_descends() -> None:
    neurons = nm.EnergyNeurons(units=32, lagrangian=LayerNormLagrangian(groups=4), tau=10.0)
    memories = ConvolutionInteraction(shape=(4, 8, 1), window=(1, 8), features=16)
    circuit = network(
        {"tokens": neurons, "hidden": nm.EnergyNeurons(units=64, lagrangian=ReluLagrangian())},
        {
            "attention": joining({"tokens": 32}, AttentionInteraction(tokens=4, heads=2, width=4)),
            "memories": joining({"tokens": 32, "hidden": 64}, memories),
        },
    )
    state = nm.init(circuit, jax.random.key(0), batch=10)
    state = state.set({"tokens.x": np.random.default_rng(0).normal(size=(10, 32))})
    _, seen = nm.run(circuit, state, steps=60, record="total.energy")
    energy = np.asarray(seen["total.energy"], np.float64)
    assert np.diff(energy, axis=0).max() <= 2e-6 * np.abs(energy).max()
    assert (energy[-1] < energy[0]).all()


def test_errors_and_spiking_cells_in_the_same_circuit() -> None:
    """A layer under a predictive-coding error rests at p / (1 + variance), and drives LIF cells."""
    circuit = nm.connect(
        {
            "layer": nm.EnergyNeurons(units=3),
            "error": nm.GaussianError(units=3, variance=0.5),
            "cell": nm.LIF(units=3),
            "total": nm.TotalEnergy(),
        },
        [
            wire("layer.outputs", to="error.target"),
            wire(delayed("-error.target_gradient"), to="layer.drive"),
            wire("layer.outputs", to="cell.current"),
            wire("layer.energy", "error.energy", to="total.terms"),
        ],
    )
    prediction = np.array([[60.0, 3.0, -60.0]])
    state = nm.init(circuit, jax.random.key(0)).set({"error.prediction": prediction})
    state, seen = nm.run(circuit, state, steps=200, record=["total.energy", "cell.spikes"])
    np.testing.assert_allclose(state["layer.x"], prediction / 1.5, rtol=1e-5)
    energy = np.asarray(seen["total.energy"], np.float64)
    assert np.diff(energy, axis=0).max() <= 2e-6 * energy.max()
    assert energy[-1, 0] == pytest.approx(float((prediction**2).sum()) / 3, rel=1e-5)
    spikes = np.asarray(seen["cell.spikes"]).sum((0, 1))
    assert spikes[0] > 0 and spikes[1] == 0 and spikes[2] == 0


def _learner(strength: float) -> nm.Circuit:
    target = nm.EnergyNeurons(units=2)
    nudge = joining({"out": 2, "target": 2}, DifferenceInteraction(strength=strength))
    return network(
        {
            "in": nm.EnergyNeurons(units=4),
            "hidden": nm.EnergyNeurons(units=6, lagrangian=TanhLagrangian()),
            "out": nm.EnergyNeurons(units=2),
            "target": target,
        },
        {
            "low": nm.HyperSynapse(layers={"in": 4, "hidden": 6}),
            "high": nm.HyperSynapse(layers={"hidden": 6, "out": 2}),
            "nudge": nudge,
        },
    )


def _settle(strength: float, weights: dict[str, Any], steps: int) -> Any:
    rng = np.random.default_rng(3)
    circuit = _learner(strength)
    state = nm.init(circuit, jax.random.key(0), batch=5)
    state = state.set(
        {
            "in.x": rng.normal(size=(5, 4)),
            "in.held": np.ones((5, 4)),
            "target.x": rng.normal(size=(5, 2)),
            "target.held": np.ones((5, 2)),
            **weights,
        }
    )
    return circuit, nm.run(circuit, state, steps=steps, dt=3.0)[0]


def test_equilibrium_propagation_gives_the_gradient_of_backpropagation() -> None:
    """(nudged - free) / beta is minus the loss's gradient, but for terms of order beta."""
    begin = nm.init(_learner(0.0), jax.random.key(4))
    weights = {f"{k}.weights": 0.4 * begin[f"{k}.weights"] for k in ("low", "high")}

    def loss(weights: dict[str, Any]) -> jax.Array:
        _, state = _settle(0.0, weights, 120)
        return 0.5 * jnp.mean(jnp.sum((state["out.outputs"] - state["target.outputs"]) ** 2, -1))

    exact = jax.grad(loss)(weights)
    errors = []
    for strength in (0.02, 0.002):
        changes = []
        for nudged in (strength, 0.0):
            circuit, state = _settle(nudged, weights, 120)
            changes.append(nm.weight_changes(circuit, state))
        errors.append(
            max(
                np.abs((changes[0][k] - changes[1][k]) / strength + exact[f"{k}.weights"]).max()
                / np.abs(exact[f"{k}.weights"]).max()
                for k in ("low", "high")
            )
        )
    assert errors[1] < 0.01
    assert 8 < errors[0] / errors[1] < 12


def test_lowering_the_energy_of_the_present_is_hebb() -> None:
    synapse = nm.HyperSynapse(layers={"a": 4, "b": 3}, eta=0.5)
    state = nm.init(synapse, jax.random.key(0), batch=6)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    state = state.set({"inputs.a": a, "inputs.b": b})
    np.testing.assert_allclose(nm.weight_changes(synapse, state), a.T @ b / 6, atol=1e-6)
    after = nm.evolve(synapse, state)
    np.testing.assert_allclose(after.weights - state.weights, 0.5 * a.T @ b / 6, atol=1e-6)


def test_mistakes_say_what_to_write() -> None:
    with pytest.raises(ValueError, match="ThreeWayInteraction joins 3 layers"):
        joining({"a": 4, "b": 3}, ThreeWayInteraction())
    with pytest.raises(ValueError, match="kind"):
        MemoryInteraction(slots=3, kind="cubic")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="at least 2, got 1"):
        ReluLagrangian(exponent=1)
    with pytest.raises(ValueError, match=r"groups=4 of equal size\. Write groups=3"):
        nm.init(
            nm.EnergyNeurons(units=9, lagrangian=SoftmaxLagrangian(groups=4)), jax.random.key(0)
        )
    with pytest.raises(ValueError, match="give it two tokens or more"):
        _init(AttentionInteraction(tokens=3, heads=1, width=2), {"a": 8})
    with pytest.raises(ValueError, match="join layers of"):
        _init(ConvolutionInteraction(shape=(4, 4, 1), window=(2, 2), features=3), {"a": 16, "b": 9})
    with pytest.raises(ValueError, match="joins layers of one size"):
        _init(DifferenceInteraction(), {"a": 4, "b": 3})
    assert DenseInteraction().joins == 2


def _init(interaction: Interaction, layers: dict[str, int]) -> None:
    nm.init(joining(layers, interaction), jax.random.key(0))
