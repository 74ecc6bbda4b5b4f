"""Measures of spike trains: rates, irregularity, synchrony, rhythm. On the host, in float64."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ngcmem.drivers import SpikeEvents, as_list


@dataclass(frozen=True)
class SpikeTrains:
    """The spikes of a population, sorted by unit and then by time. Made by `to_spike_trains`."""

    times: np.ndarray
    """(spikes,) ms."""
    units: np.ndarray
    """(spikes,) int: whose they are."""
    count: int
    """How many units there are, silent ones too."""
    duration: float
    """How long was recorded, ms."""

    def part(self, first: int = 0, last: int | None = None, begin: float = 0.0) -> "SpikeTrains":
        """Units `first` to `last` (left out), from the time `begin` on, both counted from 0."""
        last = self.count if last is None else last
        mine = (self.units >= first) & (self.units < last) & (self.times > begin)
        return SpikeTrains(
            self.times[mine] - begin, self.units[mine] - first, last - first, self.duration - begin
        )

    def of_each(self) -> list[np.ndarray]:
        """The times of every unit."""
        return np.split(self.times, np.searchsorted(self.units, np.arange(1, self.count)))


def to_spike_trains(
    spikes: Any,
    *,
    dt: float = 1.0,
    example: int = 0,
    units: int | None = None,
    duration: float | None = None,
) -> SpikeTrains:
    """Spike trains of what `nm.run` recorded.

        to_spike_trains(seen["cell.spikes"], dt=0.1)                         # every step
        to_spike_trains(events, dt=0.1, units=10_000, duration=1000.0)       # nm.drivers.Events

    A spike stands at the end of its step; several in a step are as many spikes.

    Args:
        spikes: (steps, batch, ...) or (steps, units) whole numbers, or `SpikeEvents`.
        dt: the step, ms.
        example: which of the batch.
        units: with events, how many units there are.
        duration: with events, how long was recorded, ms.

    Raises:
        ValueError: events without `units` and `duration`, events that were lost, or an array of
            other axes.
    """
    if isinstance(spikes, SpikeEvents):
        if units is None or duration is None:
            raise ValueError(
                "to_spike_trains: events do not say how many units were silent: write units=..., "
                "duration=... (ms)."
            )
        times, of = as_list(spikes, dt, example)
        number = np.asarray(spikes.values)[np.asarray(spikes.examples) == example]
    else:
        dense = np.asarray(spikes)
        if dense.ndim < 2:
            raise ValueError(
                f"to_spike_trains: spikes are (steps, batch, units) or (steps, units), got "
                f"{dense.shape}."
            )
        dense = dense[:, example] if dense.ndim > 2 else dense
        dense = dense.reshape(len(dense), -1)
        units, duration = dense.shape[1], len(dense) * dt
        steps, of = np.nonzero(dense)
        times, number = (steps + 1) * dt, dense[steps, of]
    repeats = np.maximum(np.rint(number), 1).astype(int)
    times, of = np.repeat(times, repeats), np.repeat(of, repeats)
    order = np.lexsort((times, of))
    return SpikeTrains(times[order].astype(float), of[order].astype(int), units, float(duration))


def firing_rates(trains: SpikeTrains) -> np.ndarray:
    """(units,) spikes per second of every unit, Hz."""
    return np.bincount(trains.units, minlength=trains.count) / (trains.duration / 1000.0)


def interval_cv(trains: SpikeTrains, *, min_intervals: int = 10) -> float:
    """The coefficient of variation of the intervals between spikes, mean over units.

        CV = sd(I) / mean(I)

    with sd divided by their number. Units of fewer than `min_intervals` intervals do not count
    (short recordings miss the long intervals and bias it); NaN if none is left. A Poisson process
    has 1, a clock 0. Reference: Softky and Koch (1993), doi:10.1523/JNEUROSCI.13-01-00334.1993.
    """
    return _over_units(trains, lambda i: i.std() / i.mean(), min_intervals)


def cv2(trains: SpikeTrains, *, min_intervals: int = 10) -> float:
    """The irregularity of neighbouring intervals, mean over units; insensitive to slow changes.

        CV2 = mean of 2 |I_{k+1} - I_k| / (I_{k+1} + I_k)

    Reference: Holt, Softky, Koch and Douglas (1996), doi:10.1152/jn.1996.75.5.1806.
    """
    return _over_units(
        trains, lambda i: np.mean(2 * np.abs(np.diff(i)) / (i[1:] + i[:-1])), min_intervals
    )


def local_variation(trains: SpikeTrains, *, min_intervals: int = 10) -> float:
    """LV, the mean of 3 ((I_k - I_{k+1}) / (I_k + I_{k+1}))^2, mean over units.

    Reference: Shinomoto, Shima and Tanji (2003), doi:10.1162/089976603322518759.
    """
    return _over_units(
        trains, lambda i: np.mean(3 * (np.diff(i) / (i[1:] + i[:-1])) ** 2), min_intervals
    )


def binned(trains: SpikeTrains, bin_width: float) -> np.ndarray:
    """(bins, units) spike counts; the last bin is left out if it is cut.

    A spike at the end of a bin belongs to it.
    """
    bins = int(np.floor(trains.duration / bin_width + 1e-9))
    at = np.ceil(trains.times / bin_width - 1e-9).astype(int) - 1
    inside = (at >= 0) & (at < bins)
    flat = at[inside] * trains.count + trains.units[inside]
    return np.bincount(flat, minlength=bins * trains.count).reshape(bins, trains.count)


def population_counts(trains: SpikeTrains, bin_width: float) -> np.ndarray:
    """(bins,) spikes of all units together."""
    bins = int(np.floor(trains.duration / bin_width + 1e-9))
    at = np.ceil(trains.times / bin_width - 1e-9).astype(int) - 1
    return np.bincount(at[(at >= 0) & (at < bins)], minlength=bins)


def fano_factor(trains: SpikeTrains, bin_width: float) -> float:
    """Variance over mean of the counts in bins, mean over the units that fired; Poisson: 1.

    The variance is divided by the number of bins. Reference: Fano (1947),
    doi:10.1103/PhysRev.72.26.
    """
    counts = binned(trains, bin_width)
    mean = counts.mean(0)
    fired = mean > 0
    return float((counts.var(0)[fired] / mean[fired]).mean()) if fired.any() else np.nan


def population_fano(trains: SpikeTrains, bin_width: float = 1.0) -> float:
    """Variance over mean of the population's count; independent Poisson trains: 1.

    At a fixed correlation it grows with the number of units.
    """
    counts = population_counts(trains, bin_width)
    return float(counts.var() / counts.mean()) if counts.any() else np.nan


def pairwise_correlation(
    trains: SpikeTrains, bin_width: float = 5.0, *, most_units: int = 300, seed: int = 0
) -> float:
    """The mean Pearson correlation of the binned counts of two units.

    Over all pairs of up to `most_units` units drawn at random from those whose count varies:
    constant trains have none. NaN with fewer than two such units. Reference: Perkel, Gerstein and
    Moore (1967), doi:10.1016/S0006-3495(67)86597-4.
    """
    counts = binned(trains, bin_width).astype(float)
    varying = np.flatnonzero(counts.std(0) > 0)
    if len(varying) > most_units:
        varying = np.random.default_rng(seed).choice(varying, most_units, replace=False)
    if len(varying) < 2:
        return np.nan
    matrix = np.corrcoef(counts[:, varying].T)
    return float(matrix[np.triu_indices(len(varying), 1)].mean())


def golomb_chi(v: Any = None, *, population: Any = None, variances: Any = None) -> float:
    """Synchrony of membrane potentials, 0 (asynchronous) to 1 (all alike).

        chi = sqrt( var_t(mean_i v_i) / mean_i var_t(v_i) )

    N independent cells have 1 / sqrt(N). Give the potentials `v` (steps, units), or what a long run
    kept of them: `population`, a record of `PopulationMean("cell.v")`, and `variances`, one of
    `Variance("cell.v")`. Reference: Golomb and Rinzel (1994), doi:10.1016/0167-2789(94)90214-3.

    Raises:
        ValueError: neither `v` nor both of the others.
    """
    if v is not None:
        v = np.asarray(v, np.float64).reshape(len(v), -1)
        v = v - v.mean()
        population, variances = v.mean(1), v.var(0)
    if population is None or variances is None:
        raise ValueError("golomb_chi takes v, or population and variances together.")
    several = np.asarray(population, np.float64)
    within = np.asarray(variances, np.float64).mean()
    return float(np.sqrt(several.var() / within)) if within > 0 else np.nan


def power_spectrum(
    counts: Any, bin_width: float, *, segment: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (Hz) and two-sided power of a population's rate, Hz.

        P(f) = (dt / n) |FFT(rate - mean)|^2

    of the whole record, or the mean over half-overlapping `segment`s (ms) under a Hann window,
    divided by its mean square. Independent Poisson trains: flat, the sum of their rates. Reference:
    Welch (1967), doi:10.1109/TAU.1967.1161901.

    Args:
        counts: (bins,) from `population_counts`.
        bin_width: ms.
        segment: ms; 256 or more for a peak above 8 Hz.
    """
    dt = bin_width / 1000.0
    rate = np.asarray(counts, np.float64) / dt
    n = len(rate) if segment is None else min(round(segment / bin_width), len(rate))
    window = np.ones(n) if segment is None else np.hanning(n + 1)[:-1]
    starts = range(0, len(rate) - n + 1, max(n // 2, 1))
    pieces = np.stack([rate[a : a + n] for a in starts])
    pieces = (pieces - pieces.mean(1, keepdims=True)) * window
    power = dt / (window**2).sum() * np.abs(np.fft.rfft(pieces, axis=1)) ** 2
    return np.fft.rfftfreq(n, dt), power.mean(0)


def spectral_peak(
    counts: Any,
    bin_width: float,
    *,
    above: float = 8.0,
    below: float = float("inf"),
    segment: float = 256.0,
) -> tuple[float, float]:
    """The frequency (Hz) of the largest power between two others, and it over the median there."""
    frequencies, power = power_spectrum(counts, bin_width, segment=segment)
    fast = (frequencies > above) & (frequencies <= below)
    best = int(np.argmax(power[fast]))
    middle = float(np.median(power[fast]))
    return float(frequencies[fast][best]), float(power[fast][best] / middle) if middle else np.nan


def cross_correlogram(
    first: Any, second: Any, bin_width: float, longest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lags (ms, centres of bins) and how many pairs of spikes are so far apart, second - first.

    Reference: Perkel, Gerstein and Moore (1967), doi:10.1016/S0006-3495(67)86597-4.

    Args:
        first: (spikes,) times, ms.
        second: (spikes,) times, ms.
        bin_width: ms.
        longest: the longest lag, ms.
    """
    a, b = np.sort(np.asarray(first, float)), np.sort(np.asarray(second, float))
    half = int(np.floor(longest / bin_width))
    reach = (half + 0.5) * bin_width
    low, high = np.searchsorted(b, a - reach), np.searchsorted(b, a + reach, side="right")
    many = high - low
    at = np.repeat(low, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    edges = (np.arange(-half, half + 2) - 0.5) * bin_width
    return np.arange(-half, half + 1) * bin_width, np.histogram(b[at] - np.repeat(a, many), edges)[
        0
    ]


def _over_units(trains: SpikeTrains, measure: Any, min_intervals: int) -> float:
    values = [
        measure(np.diff(times))
        for times in trains.of_each()
        if len(times) > max(min_intervals, 1) and times[-1] > times[0]
    ]
    return float(np.mean(values)) if values else np.nan
