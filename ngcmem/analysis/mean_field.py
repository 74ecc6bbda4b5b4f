"""Mean field of leaky integrate-and-fire cells: rate and irregularity under white noise."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


@dataclass(frozen=True)
class MeanField:
    """A state of a network that reproduces itself."""

    rate: float
    """Hz."""
    mean: float
    """Of the free membrane potential, mV."""
    sigma: float
    """Of its fluctuations, mV; the free variance is sigma^2 / 2."""
    cv: float
    """Of the intervals between spikes."""


def lif_rate(
    mean: float, sigma: float, *, tau: float, threshold: float, reset: float, refractory: float
) -> float:
    """The rate of a leaky integrate-and-fire cell driven by white noise, Hz.

        tau dv/dt = mean - v + sigma sqrt(tau) xi(t)
        1 / rate  = refractory + tau sqrt(pi) Integral_{(reset - mean) / sigma}^{(threshold -
                    mean) / sigma} exp(u^2) (1 + erf(u)) du

    References: Siegert (1951), doi:10.1103/PhysRev.81.617; Ricciardi (1977), Diffusion Processes
    and Related Topics in Biology; Brunel (2000), doi:10.1023/A:1008925309027.

    Args:
        mean: of the free membrane potential, mV.
        sigma: mV, above 0.
        tau: ms.
        threshold: mV.
        reset: mV.
        refractory: ms.
    """
    low, high = (reset - mean) / sigma, (threshold - mean) / sigma
    if high > 25.0:
        return 0.0
    u = low + (high - low) * (NODES + 1.0) / 2.0
    integral = (high - low) / 2.0 * float(np.sum(WEIGHTS * _grown(u)))
    return 1000.0 / (refractory + tau * np.sqrt(np.pi) * integral)


def lif_cv(
    mean: float, sigma: float, *, tau: float, threshold: float, reset: float, refractory: float
) -> float:
    """The coefficient of variation of that cell's intervals.

        CV^2 = 2 pi (rate tau)^2 Integral_a^b exp(x^2) dx
               Integral_{-inf}^x exp(u^2) (1 + erf(u))^2 du

    with the bounds of `lif_rate`. Arguments as there. Reference: Brunel (2000), equation A1.
    """
    rate = lif_rate(mean, sigma, tau=tau, threshold=threshold, reset=reset, refractory=refractory)
    low, high = (reset - mean) / sigma, (threshold - mean) / sigma
    if rate == 0.0:
        return 1.0
    far = -6.0  # from there down the inner integral is known by its expansion
    total = 0.0
    if low < far:
        x = -np.geomspace(-low, -min(far, high), 4001)
        y = (1.0 - 1.5 / x**2 + 3.75 / x**4) / (2.0 * np.pi * np.abs(x) ** 3)
        total += float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0))
    if high > far:
        u = np.linspace(min(max(low, far), 0.0) - 4.0, high, 8001)
        inner = _grown(u) ** 2 * np.exp(-(u**2))
        steps = np.diff(u)
        below = np.concatenate([[0.0], np.cumsum(steps * (inner[1:] + inner[:-1]) / 2.0)])
        outer = np.where(u >= max(low, far), np.exp(u**2) * below, 0.0)
        total += float(np.sum(steps * (outer[1:] + outer[:-1]) / 2.0))
    return float(np.sqrt(2.0 * np.pi * (rate / 1000.0 * tau) ** 2 * total))


def brunel_mean_field(
    g: float,
    eta: float,
    *,
    excitatory: int = 1000,
    inhibitory: int = 250,
    weight: float = 0.1,
    tau: float = 20.0,
    threshold: float = 20.0,
    reset: float = 10.0,
    refractory: float = 2.0,
) -> MeanField:
    """The self-consistent state of Brunel's network of one kind of cell (model A).

        mean    = C_E J tau (nu_ext + nu (1 - g C_I / C_E))
        sigma^2 = C_E J^2 tau (nu_ext + nu (1 + g^2 C_I / C_E))
        nu_ext  = eta threshold / (J C_E tau)

    of the lowest rate, if there are several. The recurrent input is taken to be Poisson: cells
    that fire regularly have a smaller CV than this. Reference: Brunel (2000), equations 21 to 24.

    Args:
        g: strength of inhibition over that of excitation.
        eta: external rate over that which alone brings the mean to the threshold.
        excitatory: C_E, recurrent excitatory connections of a cell, and external ones.
        inhibitory: C_I.
        weight: J, mV.
        tau: ms.
        threshold: mV.
        reset: mV.
        refractory: ms.
    """
    cell = dict(tau=tau, threshold=threshold, reset=reset, refractory=refractory)
    external = eta * threshold / (weight * excitatory * tau)  # per ms
    share = inhibitory / excitatory

    def moments(rate: float) -> tuple[float, float]:
        nu = rate / 1000.0
        mean = excitatory * weight * tau * (external + nu * (1 - g * share))
        variance = excitatory * weight**2 * tau * (external + nu * (1 + g**2 * share))
        return mean, float(np.sqrt(variance))

    def missing(rate: float) -> float:
        return lif_rate(*moments(rate), **cell) - rate

    rate = _lowest_root(missing, 1000.0 / refractory)
    mean, sigma = moments(rate)
    return MeanField(float(rate), float(mean), sigma, lif_cv(mean, sigma, **cell))


def _lowest_root(function: Callable[[float], float], high: float) -> float:
    grid = np.concatenate([np.geomspace(1e-3, 1.0, 13)[:-1], np.linspace(1.0, high * 0.999, 400)])
    values = [function(x) for x in grid]
    for a, b, left, right in zip(grid, grid[1:], values, values[1:], strict=False):
        if left > 0 >= right:
            for _ in range(60):
                middle = (a + b) / 2.0
                a, b = (middle, b) if function(middle) > 0 else (a, middle)
            return (a + b) / 2.0
    return 0.0 if values[0] <= 0 else float(high)


def _grown(u: np.ndarray) -> np.ndarray:
    """exp(u^2) (1 + erf(u)), which for u < 0 is exp(u^2) erfc(-u)."""
    grown = 2.0 * np.exp(np.clip(u, 0.0, 26.0) ** 2) - _erfcx(np.maximum(u, 0.0))
    return np.where(u > 0, grown, _erfcx(np.maximum(-u, 0.0)))


def _erfcx(x: np.ndarray) -> np.ndarray:
    """exp(x^2) erfc(x) for x >= 0: directly, and from 5 on by its continued fraction."""
    with jax.enable_x64(True):
        small = np.exp(np.minimum(x, 5.0) ** 2) * np.asarray(
            jax.scipy.special.erfc(np.minimum(x, 5.0))
        )
    large, tail = np.maximum(x, 5.0), np.zeros_like(x)
    for k in range(60, 0, -1):
        tail = (k / 2.0) / (large + tail)
    return np.where(x < 5.0, small, 1.0 / (np.sqrt(np.pi) * (large + tail)))
