"""`path in state`, `name in circuit`, and what is said of iterating over them."""

import jax
import pytest

import ngcmem as nm

KEY = jax.random.key(0)


def test_a_state_knows_which_paths_it_has() -> None:
    inner = nm.connect(dict(cell=nm.LIF(units=2), memory=nm.Episodic(slots=2, keys={"a": 1})))
    circuit = nm.connect(dict(inner=inner, source=nm.Poisson(units=2)))
    state = nm.init(circuit, KEY)
    for path in ("t", "source", "source.spikes", "inner.cell.v", "inner.memory.keys.a", "inner.t"):
        assert path in state, path
    for path in ("", "v", "source.v", "inner.cell.tau", "inner.memory.keys.b", "source.spikes.x"):
        assert path not in state, path
    assert 0 not in state
    cell = nm.init(nm.LIF(units=2), KEY)
    assert "v" in cell and "cell.v" not in cell and None not in cell
    copies = nm.init(nm.Population(member=nm.LIF(units=2), count=3), KEY)
    assert "v" in copies and "w" not in copies
    outcome = nm.init(nm.Hopfield(slots=2, features=2), KEY)
    assert "matched" in outcome  # a part


def test_a_circuit_knows_which_components_it_has() -> None:
    inner = nm.connect(dict(cell=nm.LIF(units=2)))
    circuit = nm.connect(dict(inner=inner))
    assert "inner" in circuit and "inner.cell" in circuit
    for path in ("cell", "inner.cel", "inner.cell.tau", 0, None):
        assert path not in circuit, path
    with pytest.raises(ValueError, match=r"there is no '(inner\.|cell\.)*tau'"):
        circuit["inner.cell.tau"]


@pytest.mark.parametrize("make", [lambda c: c, lambda c: nm.init(c, KEY)], ids=["parts", "state"])
def test_neither_is_iterated_over(make) -> None:
    with pytest.raises(TypeError, match="not iterable"):
        list(make(nm.connect(dict(cell=nm.LIF(units=2)))))
