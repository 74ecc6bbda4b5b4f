"""What all synapses that learn promise: dt, bounds, normalisation, batches, shapes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm

KEY = jax.random.key(0)
FREE = dict(bounds="none", weight_init=jax.nn.initializers.constant(0.5))
RULES = [nm.STDP, nm.TripletSTDP, nm.InhibitorySTDP, nm.RewardSTDP, nm.Hebbian, nm.Oja, nm.BCM]
INTEGRALS = [nm.RewardSTDP, nm.Hebbian, nm.Oja, nm.BCM, nm.Predictive]


def example(synapse: Any, seed: int, batch: int = 1, signed: bool = True) -> Any:
    """A state whose inputs are random, of both signs, and different in every example."""
    state = nm.init(synapse, KEY, batch=batch)
    rng = np.random.default_rng(seed)
    low = -1.0 if signed else 0.0
    names = [path for path, spec in state.specs().items() if spec.role.writable]
    return state.set({n: rng.uniform(low, 1.0, state[n].shape) for n in names})


def single(state: Any, i: int) -> Any:
    leaves = [
        x[i : i + 1] if role.batched else x
        for x, role in zip(jax.tree.leaves(state), state.leaf_roles(), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(state), leaves)


# -- dt -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", INTEGRALS)
def test_an_integral_does_not_depend_on_dt(rule: type) -> None:
    """100 ms of constant activity change the weights by the same at dt 1, 0.5 and 0.25."""
    free = {} if rule is nm.Predictive else FREE
    synapse = rule(inputs=3, outputs=2, eta=1e-4, **free)
    state = example(synapse, 0)
    found = []
    for dt in (1.0, 0.5, 0.25):
        after, _ = nm.run(synapse, state, steps=int(100 / dt), dt=dt, learn=True)
        found.append(np.asarray(after.weights - state.weights))
    assert np.abs(found[0]).max() > 1e-3
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=2e-2 * np.abs(found[0]).max())


def test_a_reward_teaches_per_ms() -> None:
    """The example of the report: 0.010 at every dt, not .010, .020 and .040."""
    synapse = nm.RewardSTDP(inputs=1, outputs=1, eta=1e-3, **FREE)
    state = nm.init(synapse, KEY).replace(reward=[0.5], eligibility=[[[0.2]]])
    for dt in (1.0, 0.5, 0.25):
        after, _ = nm.run(synapse, state, steps=int(100 / dt), dt=dt, learn=True)
        rounding = 100 / dt * 2.0**-25  # half a unit in the last place of 0.5, every step
        np.testing.assert_allclose(after.weights - 0.5, 0.010, rtol=0, atol=rounding)


def test_bcm_weights_and_threshold_keep_pace_with_each_other() -> None:
    synapse = nm.BCM(inputs=1, outputs=1, eta=1e-3, tau_threshold=50.0, **FREE)
    state = nm.init(synapse, KEY).replace(inputs=[[1.0]], post=[[1.5]])
    coarse, _ = nm.run(synapse, state, steps=100, dt=1.0, learn=True)
    fine, _ = nm.run(synapse, state, steps=1000, dt=0.1, learn=True)
    np.testing.assert_allclose(fine.threshold, coarse.threshold, rtol=1e-5)
    ratio = (fine.weights - 0.5) / (coarse.weights - 0.5)
    np.testing.assert_allclose(ratio, 1.0, atol=0.03)
    theta = 2.25 - 1.25 * np.exp(-np.linspace(0, 100, 10_001) / 50.0)
    exact = 1e-3 * np.trapezoid(1.5 * (1.5 - theta), dx=0.01)
    np.testing.assert_allclose(fine.weights - 0.5, exact, rtol=2e-2)


@pytest.mark.parametrize("rule", [nm.STDP, nm.TripletSTDP, nm.InhibitorySTDP])
def test_an_event_rule_does_not_depend_on_dt(rule: type) -> None:
    """The same spikes, at whole ms, with steps of 1, 0.5 and 0.25 ms."""
    synapse = rule(inputs=2, outputs=2, eta=0.01, **FREE)
    traced = {
        "pre_trace": ("inputs", 17.0), "post_trace": ("post", 34.0),
        "pre_slow": ("inputs", 101.0), "post_slow": ("post", 114.0),
    }  # fmt: skip
    parts: dict = dict(before=nm.Delay(units=2, max_steps=1, delay=0.0), synapse=synapse)
    parts["after"] = nm.Delay(units=2, max_steps=1, delay=0.0)
    wires = [
        nm.wire("before.outputs", to="synapse.inputs"),
        nm.wire("after.outputs", to="synapse.post"),
    ]
    for name, (side, tau) in traced.items():
        if name in nm.init(synapse, KEY).specs():
            parts[name] = nm.Trace(units=2, tau=tau)
            source = {"inputs": "before", "post": "after"}[side]
            wires += [
                nm.wire(f"{source}.outputs", to=f"{name}.inputs"),
                nm.wire(f"{name}.trace", to=f"synapse.{name}"),
            ]
    circuit = nm.connect(parts, wires)
    rng = np.random.default_rng(0)
    pre, post = (rng.random((2, 60, 1, 2)) < 0.2).astype(np.float32)
    found = []
    for per_ms in (1, 2, 4):
        inputs = {}
        for name, train in (("before", pre), ("after", post)):
            fine = np.zeros((60 * per_ms, 1, 2), np.float32)
            fine[::per_ms] = train
            inputs[f"{name}.inputs"] = fine
        state = nm.init(circuit, KEY)
        final, _ = nm.run(
            circuit, state, steps=60 * per_ms, dt=1.0 / per_ms, inputs=inputs, learn=True
        )
        found.append(np.asarray(final["synapse.weights"]))
    assert np.abs(found[0] - 0.5).max() > 1e-3
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=2e-6)


# -- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", ["none", "soft"])
@pytest.mark.parametrize("rule", RULES)
def test_a_batch_changes_the_mean_of_what_its_examples_change(rule: type, bounds: str) -> None:
    """With four different examples, of both signs; soft bounds too, for they go event by event."""
    synapse = rule(inputs=3, outputs=2, eta=0.1, bounds=bounds, weight_min=-5.0, weight_max=5.0)
    state = example(synapse, 1, batch=4)
    together = nm.evolve(synapse, state, dt=0.5)
    alone = [nm.evolve(synapse, single(state, i), dt=0.5) for i in range(4)]
    learned = [name for name in nm.parameters(state)]
    assert "weights" in learned
    for name in learned:
        changes = np.stack([np.asarray(one[name] - state[name]) for one in alone])
        assert np.abs(changes - changes[0]).max() > 1e-4  # the examples differ
        np.testing.assert_allclose(together[name] - state[name], changes.mean(0), atol=2e-6)


# -- bounds ---------------------------------------------------------------------------------------


def stdp(**options: Any) -> tuple[nm.STDP, Any]:
    """W = 0.9 and an event of either kind changes it by 0.1 of the room."""
    options = dict(eta=0.1, bounds="soft", a_minus=1.0) | options
    constant = jax.nn.initializers.constant(0.9)
    synapse = nm.STDP(inputs=1, outputs=1, weight_init=constant, **options)
    return synapse, nm.init(synapse, KEY, batch=2)


GROWS = dict(pre_trace=1.0, post=1.0)
SHRINKS = dict(inputs=1.0, post_trace=1.0)


def after(synapse: Any, state: Any, *examples: dict) -> float:
    names = ("inputs", "post", "pre_trace", "post_trace")
    values = {n: [[each.get(n, 0.0)] for each in examples] for n in names}
    return float(nm.evolve(synapse, state.set(values)).weights[0, 0])


@pytest.mark.parametrize("how", [{}, dict(eta=None, optimizer=optax.sgd(0.1))])
def test_soft_bounds_scale_growth_and_decline_apart(how: dict) -> None:
    synapse, state = stdp(**how)
    assert after(synapse, state, GROWS, GROWS) == pytest.approx(0.91, abs=1e-6)
    assert after(synapse, state, SHRINKS, SHRINKS) == pytest.approx(0.81, abs=1e-6)
    assert after(synapse, state, GROWS, SHRINKS) == pytest.approx(0.86, abs=1e-6)
    both = GROWS | SHRINKS
    assert after(synapse, state, both, both) == pytest.approx(0.82, abs=1e-6)


def test_soft_bounds_hold_with_an_optimizer_that_scales_steps() -> None:
    """Adam makes every step of size lr: the room shrinks it, until nothing is left."""
    synapse, state = stdp(eta=None, optimizer=optax.adam(0.1))
    values = dict(inputs=[[0.0]] * 2, post=[[1.0]] * 2, pre_trace=[[1e-3]] * 2)
    weights, state = [0.9], state.set(values)
    for _ in range(30):
        state = nm.evolve(synapse, state)
        weights.append(float(state.weights[0, 0]))
    room = 1.0 - np.asarray(weights)
    np.testing.assert_allclose(room[1:] / room[:-1], 0.9, atol=1e-3)


def test_negative_amplitudes_and_rates_are_decline() -> None:
    """The sign of an event says which bound it heads for, whatever the sign of its factors."""
    synapse = nm.Hebbian(
        inputs=1, outputs=1, eta=0.1, bounds="soft", weight_init=jax.nn.initializers.constant(0.9)
    )
    state = nm.init(synapse, KEY, batch=2)
    for pre, post, expected in (
        ([1.0, 1.0], [1.0, 1.0], 0.91),
        ([-1.0, -1.0], [-1.0, -1.0], 0.91),
        ([1.0, -1.0], [-1.0, 1.0], 0.81),
        ([1.0, 1.0], [1.0, -1.0], 0.86),
    ):
        now = state.replace(inputs=np.array(pre)[:, None], post=np.array(post)[:, None])
        assert float(nm.evolve(synapse, now).weights[0, 0]) == pytest.approx(expected, abs=1e-6)


# -- order: bounds, total, eta 0 ------------------------------------------------------------------


def hebbian(weights: Any, **options: Any) -> tuple[nm.Hebbian, Any]:
    synapse = nm.Hebbian(inputs=3, outputs=2, **options)
    state = nm.init(synapse, KEY).replace(weights=weights)
    return synapse, state.replace(inputs=[[1.0, 0.0, 0.5]], post=[[1.0, 0.0]])


def test_bounds_hold_after_normalisation() -> None:
    weights = np.array([[1.0, 0.3], [0.05, 0.3], [0.05, 0.4]])
    synapse, state = hebbian(weights, eta=0.01, total=2.0)
    after = nm.evolve(synapse, state).weights
    assert after.max() <= 1.0  # 1.818 where the clip came first
    for _ in range(60):
        state = nm.evolve(synapse, state)
    np.testing.assert_allclose(state.weights[:, 0].sum(), 2.0, atol=1e-4)  # shared out
    assert float(state.weights.max()) <= 1.0


@pytest.mark.parametrize("bounds", ["hard", "soft"])
def test_nothing_moves_at_a_rate_of_zero(bounds: str) -> None:
    weights = np.array([[1.7, 0.3], [-0.05, 0.3], [0.05, 2.4]])
    for eta in (0.0, jnp.zeros((3, 2)), jnp.zeros((1, 2))):
        for every in (0.0, 2.0):
            synapse, state = hebbian(weights, eta=eta, total=2.0, total_every=every, bounds=bounds)
            for t in (0.0, 1.0):
                after = nm.evolve(synapse, state, t=t)
                np.testing.assert_array_equal(after.weights, state.weights)


def test_an_output_that_nothing_moves_keeps_its_weights() -> None:
    weights = np.array([[0.5, 0.3], [0.25, 0.3], [0.25, 0.6]])
    synapse, state = hebbian(weights, eta=0.1, total=1.0)
    after = np.asarray(nm.evolve(synapse, state).weights)
    np.testing.assert_array_equal(after[:, 1], state.weights[:, 1])
    np.testing.assert_allclose(after[:, 0].sum(), 1.0, rtol=1e-6)


def test_normalisation_once_per_stimulus() -> None:
    """Every 5 ms of the time, in the step that ends then, at any dt."""
    for dt in (1.0, 0.5, 0.1):
        synapse = nm.Hebbian(inputs=3, outputs=2, eta=1e-3, total=1.5, total_every=5.0)
        state = nm.init(synapse, KEY).replace(inputs=[[1.0, 0.0, 0.5]], post=[[1.0, 0.5]])
        _, seen = nm.run(synapse, state, steps=round(12 / dt), dt=dt, learn=True, record="weights")
        sums = np.asarray(seen["weights"], np.float64).sum(1)[:, 0]  # before evolve
        number = np.arange(len(sums)) * dt  # ms learned so far
        since = number - 5.0 * np.floor(number / 5.0 + 1e-6)
        np.testing.assert_allclose(sums, 1.5 * (1.0 + 1e-3 * since), rtol=1e-5)


def test_initial_weights_are_within_their_bounds_after_normalisation() -> None:
    def uneven(key: Any, shape: Any) -> Any:
        return jnp.tile(jnp.array([[1.0], [0.05], [0.05]]), (1, 2))

    synapse = nm.Hebbian(inputs=3, outputs=2, total=2.0, weight_init=uneven)
    assert float(nm.init(synapse, KEY).weights.max()) <= 1.0


# -- shapes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_hyperparameters_fit_the_weights(rule: type) -> None:
    """A square synapse: what is per output by broadcasting must not pass for per input."""

    def learned(synapse: Any) -> Any:
        state = nm.init(synapse, KEY)
        return nm.evolve(synapse, nm.advance_state(synapse, state))

    for size in ((3, 3), (5, 3)):
        sizes = dict(inputs=size[0], outputs=size[1])
        for name in rule(**sizes, total=1.0).leaf_names:
            if name == "projection":
                continue
            per_weight = name in ("eta", "weight_min", "weight_max")
            good = [(), (1, size[1]), (size[0], 1), size] if per_weight else [(), (size[1],)]
            bad = [(size[1],), (size[0],), (4,)] if per_weight else [(4,), (1, size[1]), size]
            for shape in good:
                jax.eval_shape(learned, rule(**sizes, **{name: jnp.full(shape, 0.1)}))
            for shape in bad:
                with pytest.raises(ValueError, match=rf"{rule.__name__}: {name} has shape \("):
                    rule(**sizes, **{name: jnp.full(shape, 0.1)}).init(KEY)


def test_a_rate_per_input_is_the_one_it_says() -> None:
    synapse = nm.Hebbian(inputs=2, outputs=2, eta=jnp.array([[0.1], [0.2]]), **FREE)
    state = nm.init(synapse, KEY).replace(inputs=[[1.0, 1.0]], post=[[1.0, 1.0]])
    np.testing.assert_allclose(nm.evolve(synapse, state).weights, [[0.6, 0.6], [0.7, 0.7]])
    late = nm.with_parameters(synapse, {"eta": jnp.ones(2)})  # after init
    with pytest.raises(ValueError, match=r"Hebbian: eta has shape \(2,\)"):
        nm.evolve(late, state)


def test_the_rate_of_other_learners_is_checked_too() -> None:
    with pytest.raises(ValueError, match=r"Predictive: eta has shape \(3,\); give one value"):
        nm.init(nm.Predictive(inputs=2, outputs=3, eta=jnp.ones(3)), KEY)
    memory = nm.Hopfield(slots=4, features=4, eta=jnp.ones(4), initial="random")
    with pytest.raises(ValueError, match=r"eta has shape \(4,\), the weights .* \(4, 4\): give"):
        nm.evolve(memory, nm.init(memory, KEY))
