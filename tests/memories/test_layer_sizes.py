"""One number is one layer, wherever the layers of a network are given."""

import jax
import pytest

import ngcmem as nm


@pytest.mark.parametrize("kind", [nm.GenerativePC, nm.BayesPCN])
def test_one_number_is_one_hidden_layer(kind):
    one, tuples = kind(features=4, hidden=3), kind(features=4, hidden=(3,))
    assert one.hidden == (3,) and jax.tree.structure(one) == jax.tree.structure(tuples)
    assert [h.shape for h in nm.init(one, jax.random.key(0)).hidden] == [(1, 3)]


def test_one_number_is_one_layer_of_both_kinds_of_neurons():
    memory = nm.InWeight(vocabulary=2, outputs=2, hidden=7, memory=2)
    assert memory.layer_sizes == [(7, 2)] and memory.hidden == (7,) and memory.memory == (2,)
