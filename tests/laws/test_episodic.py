"""Published numbers of episodic memory: the tutorial, MINERVA 2, complementary learning."""

import json
import math
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import ngcmem as nm
from ngcmem.retrieval import Similarity, TopK

ROOT = Path(__file__).parents[2]
KEY = jax.random.key(0)
EYE = np.eye(5, dtype=np.float32)


def tutorial(slots: int = 10, **options: object) -> nm.Episodic:
    settings = dict(similarity="dot", beta=1.0, threshold=0.001, absolute_threshold=True)
    return nm.Episodic(slots=slots, keys=5, values=5, **{**settings, **options})  # pyright: ignore


def test_the_tutorials_numbers_in_closed_form() -> None:
    """k one-hot pairs among fill .01: w0 = 1/(1 + (10-k) e^-.99), value w0 + .01 (1 - w0)."""
    memory, fill = tutorial(), np.full((10, 5), 0.01, np.float32)
    state = nm.store(memory, nm.init(memory, KEY), fill, fill)
    for k in range(1, 6):
        state = nm.store(memory, state, EYE[[k - 1]], EYE[[k % 5]])
        seen = nm.read(memory, state, EYE[:1])
        w0 = 1 / (1 + (10 - k) * math.exp(-0.99))
        assert abs(float(seen.memory_weights[0, 0]) - w0) < 1e-6
        expected = np.full(5, 0.01 * (1 - w0))
        expected[1] = w0 + 0.01 * (1 - w0)
        np.testing.assert_allclose(seen.outputs[0], expected, atol=1e-6)
    np.testing.assert_array_equal(
        nm.recall(memory.replace(threshold=0.01), state, EYE[:1])[0], EYE[1]
    )


@pytest.mark.parametrize("others", [10, 100, 1000])
def test_contrast_gain_is_the_gain_of_the_solution(others: int) -> None:
    """One match of 1 among n of .01: gain = ln(99 n)/.99 gives it the weight .99, whatever n."""
    scores = np.concatenate([[1.0], np.full(others, 0.01)]).astype(np.float32)
    gain = float(nm.retrieval.ContrastGain(share=0.99)(scores, np.ones(others + 1, bool)))
    assert abs(gain - math.log(99 * others) / 0.99) < 1e-4


def test_random_keys_need_a_gain_not_a_threshold() -> None:
    """500 random unit keys of 64 features: a gain recalls the pairs, a low threshold does not."""
    draw = np.random.default_rng(0).normal(size=(500, 64))
    keys = (draw / np.linalg.norm(draw, axis=1, keepdims=True)).astype(np.float32)
    values = np.roll(keys, 1, axis=0)
    cosines = {}
    for name, options in {
        "threshold": dict(beta=1.0, threshold=0.001, absolute_threshold=True),
        "gain": dict(beta=100.0),
    }.items():
        memory = nm.Episodic(slots=500, keys=64, values=64, **options)  # pyright: ignore
        state = nm.store(memory, nm.init(memory, KEY), keys, values)
        answers = np.asarray(nm.recall(memory, state, keys[:100]))
        unit = answers / np.linalg.norm(answers, axis=1, keepdims=True)
        cosines[name] = (unit * values[:100]).sum(1).mean()
    assert cosines["threshold"] < 0.2 and cosines["gain"] > 0.999, cosines


class Echo(Similarity):
    """MINERVA 2: the product over the number of features that either has."""

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, _ = self.prepare(probe, patterns, known)
        relevant = (probe[None] != 0) | (patterns != 0)
        return patterns @ probe / jnp.maximum(relevant.sum(1), 1).astype(probe.dtype)


class InverseDistance(Similarity):
    """Neural Episodic Control: a softmax of this at beta = 1 has the weights k_i / sum k."""

    delta: float | Array = 1e-3

    def __call__(self, probe: Array, patterns: Array, known: Array | None = None) -> Array:
        probe, patterns, _ = self.prepare(probe, patterns, known)
        return -jnp.log(jnp.sum((patterns - probe[None]) ** 2, 1) + self.delta)


def test_minervas_smallest_case_exactly() -> None:
    """Hintzman (1984): S = [2/3, 0, 0], intensity 8/27, content 8/27 of the first trace."""
    traces = np.array([[1, -1, 1, 0], [1, 1, 0, -1], [-1, -1, 1, 1]], np.float32)
    memory = nm.Episodic(slots=5, keys=4, similarity=Echo(), separation="power", beta=1.0)
    state = nm.store(memory, nm.init(memory, KEY), traces)
    seen = nm.read(memory, state, np.array([[1, -1, 0, 0]], np.float32))
    np.testing.assert_allclose(seen.similarities[0, :3], [2 / 3, 0, 0], atol=1e-7)
    np.testing.assert_allclose(seen.intensity[0], 8 / 27, rtol=1e-6)
    np.testing.assert_allclose(seen.outputs[0], 8 / 27 * traces[0], rtol=1e-6)


def test_neural_episodic_control_reads_and_writes() -> None:
    """Pritzel et al. (2017): k = 1/(|h - h_i|^2 + d) over the nearest; Q_i += a (Q - Q_i)."""
    rng = np.random.default_rng(0)
    keys, values, query = rng.normal(size=(6, 3)), rng.normal(size=(6, 1)), rng.normal(size=(1, 3))
    memory = nm.Episodic(
        slots=6, keys=3, values=1, similarity=InverseDistance(), separation=TopK(k=4), beta=1.0,
        when_full="least_recently_used", duplicates="average",
        duplicate_threshold=math.log(500.0), duplicate_eta=0.1,
    )  # fmt: skip
    state = nm.store(memory, nm.init(memory, KEY), keys, values)
    kernel = 1 / (((keys - query) ** 2).sum(1) + 1e-3)
    nearest = np.argsort(-kernel)[:4]
    expected = (kernel[nearest] @ values[nearest]) / kernel[nearest].sum()
    np.testing.assert_allclose(nm.recall(memory, state, query)[0], expected, rtol=1e-5)
    again = nm.store(memory, state, keys[2:3], values[2:3] + 1)
    np.testing.assert_allclose(again.values[2], values[2] + 0.1, rtol=1e-5)
    assert int(again.count) == 6 and int(again.refused) == 0


def example(name: str, tmp_path: Path) -> dict:
    script = ROOT / "examples" / f"{name}.py"
    ran = subprocess.run(
        [sys.executable, script, "--out", tmp_path], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.slow
def test_complementary_learning(tmp_path: Path) -> None:
    """McClelland, McNaughton and O'Reilly (1995)."""
    seen = example("complementary_learning", tmp_path)
    assert seen["focused_old_can_ratio"] > 2
    assert seen["interleaved_max_ratio"] <= 1.25
    assert seen["episodic_penguin_error"] < 0.01 and seen["cortex_changed"] is False
    interleaved = seen["interleaved_penguin_error"]
    assert abs(seen["replay_penguin_error"] - interleaved) < 0.1 * interleaved


@pytest.mark.slow
def test_blocked_lessons_beat_interleaved_ones(tmp_path: Path) -> None:
    """Giallanza, Campbell and Cohen (2024): .898 and .724."""
    seen = example("context_memory", tmp_path)
    assert seen["difference"] >= 0.10
    assert abs(seen["blocked_test"] - 0.898) < 0.05
    assert abs(seen["interleaved_test"] - 0.724) < 0.05


@pytest.mark.slow
def test_free_recall_is_contiguous(tmp_path: Path) -> None:
    """Howard and Kahana (2002): recency, lag-CRP falling with |lag|, forward asymmetry."""
    seen = example("free_recall", tmp_path)
    assert seen["first_recall_peak"] == 20
    back, forward = seen["lag_crp"][:3], seen["lag_crp"][3:]
    assert back == sorted(back) and forward == sorted(forward, reverse=True)
    assert forward[0] > back[-1]
    assert seen["contiguity"] > 0.1 and abs(seen["contiguity_without_reinstatement"]) < 0.02
