"""Retrieval in float64 NumPy, written from the equations: what the tests compare with."""

import numpy as np


def similarity(name, probe, patterns, known):
    probe = np.where(known > 0, probe, 0.0)
    if name == "dot":
        return patterns @ (known * probe)
    if name == "cosine":
        norms = np.sqrt((known * patterns**2).sum(1) * (known * probe**2).sum())
        return np.divide(
            patterns @ (known * probe), norms, out=np.zeros(len(patterns)), where=norms > 0
        )
    if name == "euclidean":
        return -(known * (probe - patterns) ** 2).sum(1) / 2
    if name == "manhattan":
        return -(known * np.abs(probe - patterns)).sum(1)
    if name == "hamming":
        return (known * ((probe > 0) == (patterns > 0))).sum(1)
    raise KeyError(name)


def entmax(scores, alpha):
    scores = (alpha - 1) * (scores - scores.max())
    low, high = -1.0, 0.0
    for _ in range(200):
        middle = (low + high) / 2
        mass = (np.maximum(scores - middle, 0) ** (1 / (alpha - 1))).sum()
        low, high = (middle, high) if mass >= 1 else (low, middle)
    return np.maximum(scores - low, 0) ** (1 / (alpha - 1))


def entmax_conjugate(scores, alpha):
    weights = entmax(scores, alpha)
    return weights @ scores + (1 - (weights**alpha).sum()) / (alpha * (alpha - 1))


def _of_largest(k, rule):
    def separated(s, beta):
        keep = np.argsort(-s, kind="stable")[:k]
        weights = np.zeros(len(s))
        weights[keep], potential = rule(s[keep], beta)
        return weights, potential

    return separated


def _softmax(s, beta):
    weights = np.exp(beta * (s - s.max()))
    return weights / weights.sum(), s.max() + np.log(weights.mean()) / beta


def _entmax(alpha):
    def separated(s, beta):
        potential = entmax_conjugate(beta * s, alpha) - entmax_conjugate(0 * s, alpha)
        return entmax(beta * s, alpha), potential / beta

    return separated


def _log_sum_relu(epsilon):
    def separated(s, beta):
        kernel = np.maximum(1 + beta * s, 0)
        active = (kernel > 0).astype(float)
        potential = np.log((epsilon + kernel.sum()) / (epsilon + len(s))) / beta
        return active / max(active.sum(), 1), potential

    return separated


SEPARATIONS = {
    "identity": lambda s, beta: (beta * s, beta * (s**2).sum() / 2),
    "relu": lambda s, beta: (beta * np.maximum(s, 0), beta * (np.maximum(s, 0) ** 2).sum() / 2),
    "cube": lambda s, beta: ((beta * s) ** 3, ((beta * s) ** 4).sum() / (4 * beta)),
    "rectified_square": lambda s, beta: (
        np.maximum(beta * s, 0) ** 2,
        (np.maximum(beta * s, 0) ** 3).sum() / (3 * beta),
    ),
    "threshold": lambda s, beta: ((s >= 0.1).astype(float), np.maximum(s - 0.1, 0).sum()),
    "softmax": _softmax,
    "log_sum_relu": _log_sum_relu(1e-6),
    "top_3": _of_largest(3, _softmax),
    "top_3_entmax": _of_largest(3, _entmax(1.5)),
    "max": _of_largest(1, _softmax),
    "sparsemax": _entmax(2.0),
    "entmax": _entmax(1.5),
    "entmax_1.2": _entmax(1.2),
}


def retrieve(name, separation, probe, patterns, values, beta, known):
    """Outputs, energy, weights and similarities for one probe; patterns are the used slots only."""
    if len(patterns) == 0:
        return np.zeros(values.shape[1]), 0.0, np.zeros(0), np.zeros(0)
    s = similarity(name, probe, patterns, known)
    weights, potential = SEPARATIONS[separation](s, beta)
    penalty = 0.0
    if name == "dot":
        cue = np.where(known > 0, probe, 0.0)
        penalty = (known * cue**2).sum() / 2 + (patterns**2).sum(1).max() / 2
    return weights @ values, penalty - potential, weights, s


_ENTMAX = {"sparsemax": 2.0, "entmax": 1.5, "entmax_1.2": 1.2}


def weights(separation, s, beta):
    """The weights alone, which for entmax is a third of the work."""
    if separation in _ENTMAX:
        return entmax(beta * s, _ENTMAX[separation])
    return SEPARATIONS[separation](s, beta)[0]
