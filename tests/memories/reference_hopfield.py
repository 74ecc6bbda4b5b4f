"""An independent float64 NumPy version of the Hopfield memory and its rules."""

from typing import NamedTuple

import numpy as np


class Reference(NamedTuple):
    similarities: np.ndarray  # (batch, slots)
    weights: np.ndarray  # (batch, slots), after the separation
    outputs: np.ndarray  # (batch, features)
    energy: np.ndarray  # (batch,)


def recall(probes, patterns, beta, similarity="dot", known=None) -> Reference:
    """One softmax retrieval, with Ramsauer's energy (2021, equation 2)."""
    q, x = np.asarray(probes, np.float64), np.asarray(patterns, np.float64)
    k = np.ones_like(q) if known is None else np.asarray(known, np.float64)
    if similarity == "dot":
        s = np.stack([(x * (m * v)).sum(1) for v, m in zip(q, k, strict=True)])
        constant = 0.5 * (k * q**2).sum(1) + 0.5 * (x**2).sum(1).max()
    else:
        s = np.stack([-0.5 * (m * (x - v) ** 2).sum(1) for v, m in zip(q, k, strict=True)])
        constant = 0.0
    scaled = beta * s
    top = scaled.max(1, keepdims=True)
    raised = np.exp(scaled - top)
    p = raised / raised.sum(1, keepdims=True)
    lse = top[:, 0] + np.log(raised.sum(1))
    return Reference(s, p, p @ x, -(lse - np.log(len(x))) / beta + constant)


def delta(probes, patterns, beta) -> np.ndarray:
    found = recall(probes, patterns, beta)
    return np.mean(
        [np.outer(s, x - y) for s, x, y in zip(found.weights, probes, found.outputs, strict=True)],
        axis=0,
    )


def contrastive(probes, patterns, beta, steps, winners=None) -> np.ndarray:
    """s outer x - s_hat outer x_hat, the probe retrieved `steps` times for the negative phase."""
    total = np.zeros(np.shape(patterns))
    for x in np.asarray(probes, np.float64):
        s = recall(x[None], patterns, beta).weights[0]
        negative = x
        for _ in range(steps):
            negative = recall(negative[None], patterns, beta).outputs[0]
        s_hat = recall(negative[None], patterns, beta).weights[0]
        if winners is not None:
            best = np.argsort(s_hat)[-winners:]
            s_hat = np.zeros_like(s_hat)
            s_hat[best] = 1.0 / winners
        total += np.outer(s, x) - np.outer(s_hat, negative)
    return total / len(probes)


def mean_energy(probes, patterns, beta) -> float:
    return float(recall(probes, patterns, beta).energy.mean())


def energy_gradient(probes, patterns, beta, step=1e-5) -> np.ndarray:
    """d(mean energy)/dW by central differences in float64."""
    gradient = np.zeros(np.shape(patterns))
    for index in np.ndindex(*gradient.shape):
        plus, minus = (np.array(patterns, np.float64) for _ in range(2))
        plus[index] += step
        minus[index] -= step
        rise = mean_energy(probes, plus, beta) - mean_energy(probes, minus, beta)
        gradient[index] = rise / (2 * step)
    return gradient
