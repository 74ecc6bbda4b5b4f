"""The rule and the gain of the documentation run; a misnamed method is noticed."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm

DOCS = Path(__file__).parents[2] / "docs"
KEY = jax.random.key(0)
ROWS = np.random.default_rng(0).normal(size=(3, 8))


def block(page: str) -> dict:
    text = (DOCS / page).read_text()
    found = re.search(r"test_of_your_own.py -->\n```python\n(.*?)```", text, re.S)
    names = {"nm": nm, "jnp": jnp}
    exec(found.group(1), names)
    return names


def test_a_rule_of_your_own_is_the_delta_rule_summed_over_the_batch():
    memory = block("hopfield.md")["memory"]
    state = nm.store(memory, nm.init(memory, KEY, batch=3), ROWS)
    state = nm.advance_state(memory, state.replace(inputs=ROWS + 0.5))
    delta = nm.weight_changes(memory.replace(rule=nm.plasticity.Delta()), state)
    np.testing.assert_allclose(nm.weight_changes(memory, state), 3 * delta, rtol=1e-5, atol=1e-7)
    assert not np.array_equal(nm.evolve(memory, state).weights, state.weights)


def test_a_gain_of_your_own_multiplies_beta():
    memory = block("episodic.md")["memory"]
    state = nm.store(memory, nm.init(memory, KEY), ROWS, ROWS[:, :4])
    same = memory.replace(adaptive_gain=None, beta=memory.beta * np.log(4.0))
    expected = nm.read(same, state, ROWS).memory_weights
    np.testing.assert_allclose(nm.read(memory, state, ROWS).memory_weights, expected, rtol=1e-5)


@pytest.mark.parametrize("base", [nm.plasticity.SlotRule, nm.retrieval.Gain])
def test_a_misnamed_method_is_noticed_where_the_object_is_made(base):
    with pytest.raises(TypeError, match="abstract"):
        type("Misnamed", (base,), {"call": lambda *arguments: 0.0})()
