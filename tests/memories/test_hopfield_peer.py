"""Hopfield retrieval and the delta rule as ngc-learn 3.2.1 computed them, once.

The numbers were printed by `benchmarks/ngclearn_hopfield.py` with ngclearn installed from PyPI.
"""

import jax
import numpy as np

import ngcmem as nm

OUTPUTS = [
    [0.190355495, 0.444579244, 0.459429681, -0.5989241],
    [-0.193979949, 0.861680329, 0.296779394, -0.816965163],
    [-0.317529231, 0.686460912, 0.487690508, -0.165049836],
]
DELTA = [
    [0.228953838, -0.0106652705, -0.223977491, -0.0430249386],
    [0.0636389777, -0.0131540587, -0.0995152444, -0.0102710724],
    [0.113519929, -0.000977819087, -0.066556491, -0.0260700993],
    [-0.022463657, -0.00381662278, 0.0395862833, 7.12371839e-05],
    [0.0259129312, -0.00506544812, -0.0293324273, -0.00564820459],
]


def test_outputs_and_delta_rule_agree_with_ngclearn() -> None:
    patterns = np.sin(np.arange(20.0).reshape(5, 4) ** 1.5)
    probes = np.cos(np.arange(12.0).reshape(3, 4) * 1.3)
    memory = nm.Hopfield(slots=5, features=4, beta=2.0, eta=0.1)
    state = nm.store(memory, nm.init(memory, jax.random.key(0), batch=3), patterns)
    state = nm.advance_state(memory, state.replace(inputs=probes))
    np.testing.assert_allclose(state.outputs, OUTPUTS, atol=1e-6)
    np.testing.assert_allclose(nm.weight_changes(memory, state), DELTA, atol=1e-6)
