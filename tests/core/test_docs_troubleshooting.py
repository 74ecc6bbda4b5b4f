"""What the troubleshooting page shows."""

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import ngcmem as nm

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


def test_the_first_value_that_is_not_finite() -> None:
    names: dict[str, Any] = dict(nm=nm, jnp=jnp, key=jax.random.key(0))
    exec(BLOCKS[0], names)
    found = names["found"]
    assert found.compartment == "synapse.weights" and found.verb == "evolve" and found.step > 3
    circuit, state = names["circuit"], names["state"]
    for steps, finite in ((found.step, True), (found.step + 1, False)):
        after, _ = nm.run(circuit, state, steps=steps, clamp=names["drive"], learn=True)
        assert bool(np.isfinite(after["synapse.weights"]).all()) is finite


def test_what_to_look_at_where_nothing_fires() -> None:
    circuit = nm.connect(
        dict(source=nm.RateCell(units=2), cell=nm.LIF(units=2)),
        [nm.wire("source.outputs", to="cell.current")],
    )
    drive = {"source.inputs": jnp.ones((1, 2))}
    names: dict[str, Any] = dict(nm=nm, circuit=circuit, drive=drive)
    names["state"] = nm.init(circuit, jax.random.key(0))
    exec(BLOCKS[1], names)
    cell, seen = circuit["cell"], names["seen"]
    assert float(seen["cell.v"].max()) < cell.v_threshold  # type: ignore[attr-defined]
    threshold = (cell.v_threshold - cell.v_rest) / cell.resistance  # type: ignore[attr-defined]
    for current, fires in ((0.99 * threshold, False), (1.01 * threshold, True)):
        state = nm.init(cell, jax.random.key(0))
        held = {"current": jnp.full((1, 2), current)}
        _, seen = nm.run(cell, state, steps=300, clamp=held, record="spikes")
        assert bool(seen["spikes"].any()) is fires
