"""How long synapses keep a memory: an ideal observer's signal to noise, against age.

The observer knows what a memory changed at every synapse, and correlates the weights with it. The
signal S(age) is the mean of that correlation, the noise its deviation for a memory never stored;
memories come one after the other, without end, each a random change of +1 or -1 of every synapse.
References: Fusi, Drew and Abbott (2005), doi:10.1016/j.neuron.2005.02.001; Benna and Fusi (2016),
doi:10.1038/nn.4401.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike

from ngcmem.core import check_whole
from ngcmem.synapses import exchange_matrix


class MemoryTrace(NamedTuple):
    """What `measured_snr` finds, per age."""

    signal: np.ndarray
    """(ages,) the mean correlation of the weights with a memory of that age."""
    noise: float
    """The deviation of the correlation with a memory never stored."""
    snr: np.ndarray
    """(ages,) signal / noise."""


def benna_fusi_snr(
    ages: ArrayLike, synapses: int, stages: int, *, relaxed: bool = False
) -> np.ndarray:
    """Signal to noise of a memory in `nm.BennaFusi` synapses, one memory every tau; exact.

        r(age) = [exp(A age)]_11,    SNR = sqrt(N) r(age) / sqrt(sum_{age = 0, 1, ...} r(age)^2)

    Args:
        ages: in memories since, 0 or more, any shape.
        synapses: N.
        stages: m.
        relaxed: read after the exchange that follows an event (an age later, for r), as weights
            are after `nm.evolve`; by default before it.

    Raises:
        ValueError: a count that is no whole number of at least 1, or ages below 0.
    """
    synapses = check_whole("benna_fusi_snr: synapses", synapses)
    stages = check_whole("benna_fusi_snr: stages", stages)
    begun = _ages("benna_fusi_snr", ages) + relaxed
    root = 2.0 ** (np.arange(stages) / 2)
    matrix = root[:, None] * exchange_matrix(stages) / root[None]
    rates, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    shares = vectors[0] ** 2  # r(age) = sum_k shares_k exp(rates_k age)
    kept = np.exp(begun[..., None] * rates) @ shares
    both = rates[:, None] + rates[None]
    squares = np.exp(both * relaxed) / -np.expm1(both)  # sum over ages of exp(both age)
    return np.sqrt(synapses) * kept / np.sqrt(shares @ squares @ shares)


def cascade_snr(ages: ArrayLike, synapses: int, stages: int) -> np.ndarray:
    """Signal to noise of a memory in `nm.FusiCascade` synapses of +-1; exact.

    With M = (M_up + M_down) / 2 the transitions of the 2 n states under random events, w = +-1
    their weights and p the stationary distribution,

        S(age) = w' M^age (M_up - M_down) p / 2,      SNR = sqrt(N) S(age)

    Args:
        ages: in memories since, whole numbers of 0 or more, any shape.
        synapses: N.
        stages: n.

    Raises:
        ValueError: a count that is no whole number, fewer than 2 stages, or ages below 0 or not
            whole.
    """
    synapses = check_whole("cascade_snr: synapses", synapses)
    stages = check_whole("cascade_snr: stages", stages)
    if stages < 2:
        raise ValueError(f"cascade_snr: stages is at least 2, got {stages}.")
    begun = _ages("cascade_snr", ages)
    if np.any(begun != np.floor(begun)):
        raise ValueError("cascade_snr: ages are whole numbers of memories.")
    up, down = _transitions(stages)
    step = (up + down) / 2
    rates, right = np.linalg.eig(step)
    left = np.linalg.inv(right)
    stationary = np.full(2 * stages, 0.5 / stages)
    weights = np.repeat([1.0, -1.0], stages)
    at_once = left @ (up - down) @ stationary / 2
    signal = ((rates ** begun[..., None]) * (weights @ right)) @ at_once
    return np.sqrt(synapses) * signal.real


def memory_lifetime(snr: Callable[[int], Any], threshold: float = 1.0) -> int:
    """The first age at which signal to noise is below a threshold, found by bisection.

        memory_lifetime(lambda age: benna_fusi_snr(age, synapses=10_000, stages=5))  # 1117

    Args:
        snr: of an age in memories, falling.
        threshold: 1 by convention.

    Raises:
        ValueError: not below the threshold at any age up to 2^60.
    """
    below = 1
    while float(snr(below)) >= threshold:
        below *= 2
        if below > 1 << 60:
            raise ValueError(f"memory_lifetime: snr stays above {threshold} up to an age of 2^60.")
    above = below // 2
    if float(snr(0)) < threshold:
        return 0
    while below - above > 1:
        middle = (below + above) // 2
        above, below = (middle, below) if float(snr(middle)) >= threshold else (above, middle)
    return below


AHEAD = 16
"""With how many memories of the future the noise is measured."""


def measured_snr(
    weights: ArrayLike, events: ArrayLike, ages: ArrayLike, *, begin: int
) -> MemoryTrace:
    """Signal to noise from weights recorded under a stream of independent memories.

    The noise is the root mean square of the correlation with the next 16 memories, which are not
    stored yet.

    Args:
        weights: (memories, ...) after each memory.
        events: (memories, ...) what each wanted to change.
        ages: in memories, 1-D, whole; 0 is the memory just stored.
        begin: the first memory whose weights count; before it the noise is not stationary. At
            least the largest age, and for a chain of m stages at least 2^(2 m - 2).

    Raises:
        ValueError: shapes that differ, or `begin` that leaves no 16 memories after it or does not
            reach back to the largest age.
    """
    now = np.asarray(weights, np.float64)
    wanted = np.asarray(events, np.float64)
    if now.shape != wanted.shape or now.ndim < 2:
        raise ValueError(
            f"measured_snr: weights and events are (memories, ...) of one shape, got {now.shape} "
            f"and {wanted.shape}."
        )
    past = _ages("measured_snr", ages).astype(int)
    count = len(now)
    last = count - AHEAD - 1
    if not past.max(initial=0) <= begin <= last:
        raise ValueError(
            f"measured_snr: begin is from the largest age, {past.max(initial=0)}, to {last}, "
            f"{AHEAD} memories before the last of {count}, got {begin}."
        )
    now, wanted = now.reshape(count, -1), wanted.reshape(count, -1)
    now = now - now.mean(1, keepdims=True)
    later = np.arange(begin, last + 1)

    def correlations(shift: int) -> np.ndarray:
        return np.einsum("ts,ts->t", now[later], wanted[later + shift]) / now.shape[1]

    signal = np.array([correlations(-age).mean() for age in past])
    squares = [np.mean(correlations(shift) ** 2) for shift in range(1, AHEAD + 1)]
    noise = float(np.sqrt(np.mean(squares)))
    return MemoryTrace(signal, noise, signal / noise)


def _ages(place: str, ages: ArrayLike) -> np.ndarray:
    found = np.asarray(ages, np.float64)
    if not np.all(found >= 0):
        raise ValueError(f"{place}: ages are 0 or more, got {ages!r}.")
    return found


def _transitions(stages: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns to rows, strong states 0 ... n - 1 by depth, then weak ones: of an event up, down."""
    up = np.zeros((2 * stages, 2 * stages))
    for depth in range(1, stages + 1):
        last = depth == stages
        deepens = 0.0 if last else 2.0 ** (1 - depth)
        flips = 2.0 ** (2 - depth) if last else 2.0 ** (1 - depth)
        strong, weak = depth - 1, stages + depth - 1
        up[strong, strong] += 1 - deepens
        if not last:
            up[strong + 1, strong] += deepens
        up[weak, weak] += 1 - flips
        up[0, weak] += flips
    order = np.r_[stages : 2 * stages, 0:stages]
    return up, up[np.ix_(order, order)]
