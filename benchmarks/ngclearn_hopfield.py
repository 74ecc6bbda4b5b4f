"""The same Hopfield retrieval and delta rule in ngc-learn (PyPI) and here.

ngc-learn keeps patterns as columns and one energy for the batch, which is not the energy (its
row maximum is never added back): only outputs and the delta rule can be compared. The numbers that
it printed once, with ngc-learn 3.2.1, are constants of `tests/memories/test_hopfield_peer.py`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _script import arguments, finish

import ngcmem as nm

BETA, ETA = 2.0, 0.1


def example() -> tuple[np.ndarray, np.ndarray]:
    """Five patterns of four features and three probes, without a random generator."""
    patterns = np.sin(np.arange(20.0).reshape(5, 4) ** 1.5)
    probes = np.cos(np.arange(12.0).reshape(3, 4) * 1.3)
    return patterns.astype(np.float32), probes.astype(np.float32)


def by_ngclearn(patterns: np.ndarray, probes: np.ndarray) -> dict[str, Any]:
    from ngclearn import Context, MethodProcess  # pyright: ignore
    from ngclearn.components.synapses.competitive.hopfieldSynapse import (  # pyright: ignore
        HopfieldSynapse,
    )

    slots, features = patterns.shape
    with Context("peer"):
        synapse = HopfieldSynapse(
            "memory",
            shape=(features, slots),
            eta=ETA,
            beta=BETA,
            initial_patterns=jnp.asarray(patterns.T),
            batch_size=len(probes),
            key=jax.random.key(0),
        )
        step = MethodProcess("step") >> synapse.advance_state
        learn = MethodProcess("learn") >> synapse.evolve
    synapse.inputs.set(jnp.asarray(probes))
    step.run(t=0.0, dt=1.0)
    outputs = np.asarray(synapse.outputs.get())
    learn.run(t=0.0, dt=1.0)
    return {
        "outputs": outputs.tolist(),
        "delta": np.asarray(synapse.dWeights.get()).T.tolist(),
        "weights": np.asarray(synapse.weights.get()).T.tolist(),
    }


def by_ngcmem(patterns: np.ndarray, probes: np.ndarray) -> dict[str, Any]:
    slots, features = patterns.shape
    memory = nm.Hopfield(slots=slots, features=features, beta=BETA, eta=ETA)
    state = nm.init(memory, jax.random.key(0), batch=len(probes))
    state = nm.store(memory, state, patterns).replace(inputs=probes)
    state = nm.advance_state(memory, state)
    return {
        "outputs": state.outputs,
        "delta": nm.weight_changes(memory, state),
        "weights": nm.evolve(memory, state).weights,
    }


def main() -> None:
    given = arguments("ngclearn_hopfield", __doc__ or "")
    ours = by_ngcmem(*example())
    try:
        theirs = by_ngclearn(*example())
    except ImportError:
        finish({"ngclearn": "not installed: pip install ngclearn"}, given.out)
        return
    differences = {
        f"difference_{name}": float(np.abs(np.asarray(ours[name]) - theirs[name]).max())
        for name in theirs
    }
    finish({**theirs, **differences}, given.out)


if __name__ == "__main__":
    main()
