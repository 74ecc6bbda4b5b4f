"""What the tests of Episodic share."""

from typing import Any

import jax
import numpy as np

import ngcmem as nm

KEY = jax.random.key(0)
EYE = np.eye(5, dtype=np.float32)


def small(**options: Any) -> nm.Episodic:
    """Five slots, keys and values of five features."""
    return nm.Episodic(**{**dict(slots=5, keys=5, values=5, similarity="dot"), **options})


def filled(memory: nm.Episodic, number: int = 3) -> Any:
    return nm.store(memory, nm.init(memory, KEY), EYE[:number], np.roll(EYE, 1, 1)[:number])
