"""The PC-RNN against float64 NumPy, closed forms and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ngcmem as nm
from ngcmem.memories.pc_rnn.predictive_coding_rnn import LEARNED

from . import pc_rnn_numpy as reference

STEERING = dict(tau=5.0, alpha_x=0.2, alpha_h=0.3, alpha_c=0.01, sigma_r=1.5, sigma_c=0.3)
NET = nm.PredictiveCodingRNN(
    outputs=2, states=7, causes=3, n_patterns=4, own_noise=False, **STEERING
)
RNG = np.random.default_rng(0)
TARGETS = RNG.normal(size=(9, 4, 2))
NOISE = RNG.normal(size=(9, 4, 3))
SEEN = ("outputs", "error", "hidden_prior", "hidden_post", "causes", "energy")


def example(net=NET, batch=4):
    state = nm.init(net, jax.random.key(3), batch=batch)
    return state.replace(mus=RNG.normal(size=(4, 3)), causes=state.causes + 0.4)


def in_float64(state):
    return {n: np.asarray(state[n], np.float64) for n in (*LEARNED, "mus", "h_init")}


@pytest.mark.parametrize("changed", [{}, {"alpha_x": 0.0}, {"alpha_c": 0.0}, {"alpha_h": 0.0}])
def test_every_step_is_the_documents(changed):
    net, state = NET.replace(**changed), example()
    _, seen = nm.run(net, state, steps=9, inputs={"inputs": TARGETS, "noise": NOISE}, record=SEEN)
    w, h, c = in_float64(state), np.repeat(np.asarray(state.h_init)[None], 4, 0), state.causes
    h, c = h.astype(float), np.asarray(c, float)
    for t in range(9):
        expected = reference.step(w, h, c, TARGETS[t], NOISE[t], **(STEERING | changed))
        for name, value in zip(SEEN, expected, strict=True):
            np.testing.assert_allclose(seen[name][t], value, rtol=1e-4, atol=1e-5, err_msg=name)
        h, c = expected[3], expected[4]


def test_generation_mode_compiled_without_inference_is_alpha_x_zero():
    state = example()
    inputs = {"inputs": TARGETS, "noise": NOISE}
    _, zero = nm.run(
        NET.replace(alpha_x=0.0, alpha_c=0.0), state, steps=9, inputs=inputs, record=SEEN
    )
    _, none = nm.run(
        NET.replace(alpha_x=None, alpha_c=None), state, steps=9, inputs=inputs, record=SEEN
    )
    for name in SEEN:
        np.testing.assert_allclose(zero[name], none[name], rtol=1e-6, atol=1e-6)
    generated = nm.memories.generate_sequences(NET, state, state.causes, steps=9)
    np.testing.assert_allclose(generated, zero["outputs"], atol=1e-6)


def test_alpha_x_is_traced_and_differentiable_at_zero():
    state = example()

    def last_cause(alpha_x):
        after, _ = nm.run(
            NET.replace(alpha_x=alpha_x), state, steps=3, inputs={"inputs": TARGETS[:3]}
        )
        return after.causes.sum()

    swept = jax.vmap(last_cause)(jnp.array([0.0, 0.2]))
    np.testing.assert_allclose(swept, [last_cause(0.0), last_cause(0.2)], rtol=1e-5)
    slope = jax.grad(lambda w: last_cause_of(w))(state.w_o)
    assert np.isfinite(slope).all()


def last_cause_of(w_o):
    state = example().replace(w_o=w_o)
    net = NET.replace(alpha_x=0.0)
    return nm.run(net, state, steps=2, inputs={"inputs": TARGETS[:2]})[0].causes.sum()


def test_prior_pull_near_far_and_where_float32_underflows():
    mus = RNG.normal(size=(4, 3))
    near, far = mus + 0.1 * RNG.normal(size=(4, 3)), 40.0 * RNG.normal(size=(30, 3))
    causes = np.concatenate([near, far, 3.0 * RNG.normal(size=(30, 3))])
    expected = reference.complexity(causes, mus, 0.3)
    pull = jax.vmap(NET.complexity, (0, None))(jnp.asarray(causes), jnp.asarray(mus))
    assert np.isfinite(pull).all()
    np.testing.assert_allclose(pull, expected, atol=1e-5 * np.abs(expected).max())
    to_the_mean = -(far - mus.mean(0)) / (2 * 0.3**2)
    np.testing.assert_allclose(pull[4:34], to_the_mean, rtol=1e-4, atol=1e-2)


def test_training_gradient_matches_float64_finite_differences():
    state = example()
    sgd = optax.sgd(1.0)
    trained, losses, _ = nm.memories.train_sequences(
        NET, state, TARGETS, iterations=1, optimizer=sgd, names=("mus", "h_init", *LEARNED)
    )
    w = in_float64(state)
    np.testing.assert_allclose(losses[0], reference.loss(w, TARGETS, 5.0), rtol=1e-5)
    for name in (*LEARNED, "mus", "h_init"):
        for _ in range(3):
            where = tuple(RNG.integers(n) for n in w[name].shape)
            ends = []
            for sign in (1, -1):
                moved = w[name].copy()
                moved[where] += sign * 1e-5
                ends.append(reference.loss(w | {name: moved}, TARGETS, 5.0))
            slope = (ends[0] - ends[1]) / 2e-5
            change = np.asarray(state[name] - trained[name], float)[where]
            np.testing.assert_allclose(change, slope, atol=1e-6, err_msg=name)


def test_coupled_l2_is_added_before_adam():
    """The first step of Adam is lr * sign(gradient + decay * w), as torch's Adam has it."""
    state = example()
    w = in_float64(state)
    trained, _, _ = nm.memories.train_sequences(NET, state, TARGETS, iterations=1, names=("b_r",))
    slope = np.zeros(7)
    for i in range(7):
        moved = [w["b_r"] + sign * 1e-5 * np.eye(7)[i] for sign in (1, -1)]
        ends = [reference.loss(w | {"b_r": m}, TARGETS, 5.0) for m in moved]
        slope[i] = (ends[0] - ends[1]) / 2e-5
    gradient = slope + 1e-4 * w["b_r"]
    step = 0.03 * gradient / (np.abs(gradient) + 1e-8)
    np.testing.assert_allclose(state.b_r - trained.b_r, step, rtol=1e-3)


def test_local_rule_is_descent_on_the_energy_of_the_step():
    net = NET.replace(eta=0.1)
    state = example(net)
    before = state.replace(inputs=TARGETS[0], noise=NOISE[0])
    after = nm.advance_state(net, before)
    post, rates = after.hidden_post, jnp.tanh(after.hidden_prior)

    def energy(w):
        h = after.hidden_before
        drive = jnp.tanh(h) @ w["w_r"].T + before.causes @ w["w_c"].T + w["b_r"][None]
        prior = (1 - 1 / 5.0) * h + drive / 5.0
        error = rates @ w["w_o"].T + w["b_o"][None] - before.inputs
        return 0.5 * ((error**2).sum(1) + ((prior - post) ** 2).sum(1)).mean()

    slopes = jax.grad(energy)({n: state[n] for n in LEARNED})
    changes, learned = nm.weight_changes(net, after), nm.evolve(net, after)
    for name in LEARNED:
        np.testing.assert_allclose(changes[name], -slopes[name], atol=1e-6)
        np.testing.assert_allclose(learned[name], state[name] - 0.1 * slopes[name], atol=1e-6)


def test_cooling_is_geometric_from_1_to_its_value():
    """Three trials at cooling 1/4: one after another with sigma_r, sigma_r / 2 and sigma_r / 4."""
    state, key = example(), jax.random.key(0)
    noise = RNG.normal(size=(3, 9, 4, 3))
    options = dict(key=key, causes=np.asarray(state.causes))
    cooled = nm.memories.infer_causes(
        NET, state, TARGETS, trials=3, cooling=0.25, noise=noise, **options
    )
    for i, factor in enumerate((1.0, 0.5, 0.25)):
        net = NET.replace(sigma_r=STEERING["sigma_r"] * factor)
        one = nm.memories.infer_causes(
            net, state, TARGETS, trials=1, noise=noise[i : i + 1], **options
        )
        np.testing.assert_allclose(cooled.causes[i], one.causes[0], rtol=1e-5, atol=1e-6)
        options["causes"] = np.asarray(one.causes[0])


def test_reset_begins_the_sequence_anew():
    state = example().replace(h_init=np.arange(7.0))
    after, _ = nm.run(NET, state, steps=2, inputs={"inputs": TARGETS[:2]})
    again = nm.reset(NET, after)
    first = nm.advance_state(NET, again.replace(inputs=TARGETS[0]))
    np.testing.assert_array_equal(first.hidden_before, np.repeat(np.arange(7.0)[None], 4, 0))
    np.testing.assert_array_equal(again.mus, state.mus)


def test_own_noise_has_the_stated_size():
    net = nm.PredictiveCodingRNN(
        outputs=2, states=7, causes=3, n_patterns=4, alpha_c=0.0, alpha_h=0
    )
    state = nm.init(net, jax.random.key(0), batch=2000).replace(inputs=np.ones((2000, 2)))
    after = nm.advance_state(net, state)
    size = 2.6 * np.linalg.norm(after.hidden_prior - after.hidden_post, axis=1)
    draws = np.asarray(after.causes) / size[:, None]
    assert abs(draws.std() - 1.0) < 0.03 and abs(draws.mean()) < 0.04
    assert not (after.key == state.key).any()
