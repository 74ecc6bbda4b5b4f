"""Paths of hyper-parameters are the names the user gave, whatever they end in."""

import jax.numpy as jnp
import pytest

import ngcmem as nm


@pytest.mark.parametrize("name", ["components", "mycomponents"])
def test_a_component_may_have_any_name(name: str) -> None:
    inner = nm.connect({name: nm.LIF(units=1)}, [])
    for circuit, path in ((inner, f"{name}.tau"), (nm.connect({"a": inner}), f"a.{name}.tau")):
        assert path in nm.hyperparameters(circuit)
        changed = nm.with_parameters(circuit, {path: jnp.float32(3.0)})
        assert float(nm.hyperparameters(changed)[path]) == 3.0
