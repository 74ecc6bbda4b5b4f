"""The README's code runs as it stands."""

import re
from pathlib import Path

import jax.numpy as jnp

import ngcmem as nm

README = Path(__file__).parent.parent / "README.md"


def test_the_readmes_code_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 1
    names: dict = {}
    exec(compile(blocks[0], str(README), "exec"), names)
    assert names["seen"]["cell.spikes"].shape == (200, 16, 100)
    flipped = jnp.sign(names["noisy"]) != names["patterns"]
    assert 0.015 < float(flipped.mean()) < 0.03  # P(noise beyond -1) is 2.3 % at deviation 0.5
    assert float(jnp.abs(names["recalled"] - names["patterns"]).max()) < 1e-3
    assert names["seen"]["cell.spikes"].sum() > 0
    before = nm.init(names["spiking"], names["key"], batch=16)["synapse.weights"]
    weights = names["state"]["synapse.weights"]
    assert weights.shape == (784, 100) and float(jnp.abs(weights - before).max()) > 1e-3
    assert float(weights.min()) >= 0.0 and float(weights.max()) <= 1.0
