"""The line of the documentation that stores into a memory inside a circuit."""

import re
from pathlib import Path

import jax
import numpy as np

import ngcmem as nm

PAGE = Path(__file__).parents[2] / "docs" / "core.md"


def test_store_into_a_circuit() -> None:
    block = re.search(r"test_docs_core.py -->\n```python\n(.*?)```", PAGE.read_text(), re.S)
    memory = nm.Hopfield(slots=4, features=3)
    circuit = nm.connect({"memory": memory, "cell": nm.LIF(units=3)}, [])
    rows = np.eye(3, dtype=np.float32)[:2]
    names = {"nm": nm, "circuit": circuit, "rows": rows}
    names["state"] = before = nm.init(circuit, jax.random.key(0), batch=5)
    exec(block.group(1), names)  # type: ignore[union-attr]
    state = names["state"]
    assert int(state["memory.count"]) == 2 and int(before["memory.count"]) == 0
    np.testing.assert_array_equal(state["memory.weights"][:2], rows)
    assert list(nm.parameters(state, "memory.weights")) == ["memory.weights"]
