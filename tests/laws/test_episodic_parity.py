"""The tutorial's numbers and Rumelhart's facts against recorded reference data, where it is."""

import json
import os
from pathlib import Path

import jax
import numpy as np
import pytest

import ngcmem as nm
from ngcmem.datasets.rumelhart import ATTRIBUTES, FACTS

DATA = os.environ.get("NGCMEM_PARITY_DATA")
pytestmark = pytest.mark.skipif(DATA is None, reason="NGCMEM_PARITY_DATA names no folder")
KEY = jax.random.key(0)


def recorded(name: str) -> dict:
    return json.loads((Path(str(DATA)) / name).read_text())


def weight_of_the_match(others: int, threshold: float) -> float:
    memory = nm.Episodic(
        slots=others + 1, keys=1, values=1, similarity="dot", beta=1.0, threshold=threshold
    )
    matches = np.concatenate([[1.0], np.full(others, 0.01)]).astype(np.float32)[:, None]
    state = nm.store(memory, nm.init(memory, KEY), matches, matches)
    return float(nm.read(memory, state, matches[:1]).memory_weights[0, 0])


def test_the_tutorials_numbers() -> None:
    reference = recorded("seed0_reference.json")
    memory = nm.Episodic(
        slots=10, keys=5, values=5, similarity="dot", beta=1.0, threshold=0.001,
        absolute_threshold=True,
    )  # fmt: skip
    eye, fill = np.eye(5, dtype=np.float32), np.full((10, 5), 0.01, np.float32)
    state = nm.store(memory, nm.init(memory, KEY), fill, fill)
    state = nm.store(memory, state, eye[:1], eye[1:2])
    seen = nm.read(memory, state, eye[:1])
    softmax = reference["softmax_thr001_f64"]
    np.testing.assert_allclose(
        seen.memory_weights[0, :2], [softmax["w0"], softmax["wi"]], rtol=1e-6
    )
    np.testing.assert_allclose(seen.outputs, reference["cell6_forward_thr001_f64"], rtol=1e-6)
    masked = nm.recall(memory.replace(threshold=0.01), state, eye[:1])
    np.testing.assert_allclose(masked, reference["forward_thr01"], atol=1e-7)
    for n in (10, 100, 1000):
        expected = reference["ex1"][f"thr.001,n{n}"]
        np.testing.assert_allclose(weight_of_the_match(n, 0.001), expected, rtol=1e-6)
    assert weight_of_the_match(10, 0.01) == reference["ex1"]["thr.01"]


def test_the_facts() -> None:
    reference = recorded("rumelhart_facts.json")
    assert [name.replace(" ", "_") for name in reference["attributes"]] == list(ATTRIBUTES)
    for item, relations in reference["facts"].items():
        for relation, names in relations.items():
            expected = {name.replace(" ", "_") for name in names}
            assert set(FACTS[item][relation].split()) == expected, (item, relation)
