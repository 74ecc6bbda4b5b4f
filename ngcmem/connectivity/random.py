"""Random connections; every rule is a function of its own seed alone."""

from typing import Any

import numpy as np

from ngcmem.connectivity._rows import by_source, from_rows
from ngcmem.connectivity.connections import Connections
from ngcmem.core import as_probability, check_whole


def fixed_in_degree(
    inputs: int,
    outputs: int,
    degree: int,
    *,
    seed: int,
    self_connections: bool = True,
    multiple: bool = True,
) -> Connections:
    """Every postsynaptic cell gets `degree` connections from cells drawn at random.

    Args:
        inputs: presynaptic cells.
        outputs: postsynaptic cells.
        degree: connections of each postsynaptic cell.
        seed: of the draw.
        self_connections: whether cell i may be connected to cell i.
        multiple: whether two cells may have several connections (drawn with replacement).

    Raises:
        ValueError: more connections than there are cells to choose from.
    """
    drawn = _ends("fixed_in_degree", inputs, outputs, degree, seed, self_connections, multiple)
    targets = np.repeat(np.arange(outputs, dtype=np.int32), degree)
    return by_source(drawn.ravel(), targets, inputs, outputs)


def fixed_out_degree(
    inputs: int,
    outputs: int,
    degree: int,
    *,
    seed: int,
    self_connections: bool = True,
    multiple: bool = True,
) -> Connections:
    """Every presynaptic cell gets `degree` connections to cells drawn at random.

    Arguments and errors as of `fixed_in_degree`.
    """
    drawn = _ends("fixed_out_degree", outputs, inputs, degree, seed, self_connections, multiple)
    drawn.sort(axis=1)
    return from_rows(np.full(inputs, degree), drawn.ravel(), inputs, outputs)


def fixed_probability(
    inputs: int, outputs: int, probability: float, *, seed: int, self_connections: bool = True
) -> Connections:
    """Every pair of cells is connected with this probability, each by itself.

    The gaps between connected pairs are drawn, which are geometric, so that the time grows with
    the connections and not with the pairs. Reference: Batagelj and Brandes (2005),
    doi:10.1103/PhysRevE.71.036113.

    Raises:
        ValueError: no probability.
    """
    inputs = check_whole("fixed_probability: inputs", inputs)
    outputs = check_whole("fixed_probability: outputs", outputs)
    p = float(as_probability("fixed_probability: probability", probability))
    rng, pairs = _generator("fixed_probability", seed), inputs * outputs
    found, last = [], -1
    while last < pairs and p > 0:
        left = pairs - 1 - last
        count = int(left * p + 4 * (left * p) ** 0.5) + 16
        places = last + np.cumsum(rng.geometric(p, size=count))
        found.append(places[places < pairs])
        last = int(places[-1])
    flat = np.concatenate(found) if found else np.zeros(0, np.int64)
    sources, targets = flat // outputs, flat % outputs
    if not self_connections:
        others = sources != targets
        sources, targets = sources[others], targets[others]
    return from_rows(np.bincount(sources, minlength=inputs), targets, inputs, outputs)


def fixed_total_number(inputs: int, outputs: int, number: int, *, seed: int) -> Connections:
    """So many connections in all, both ends of each drawn uniformly, with replacement.

    Raises:
        ValueError: sizes that are no whole numbers of at least 1.
    """
    inputs = check_whole("fixed_total_number: inputs", inputs)
    outputs = check_whole("fixed_total_number: outputs", outputs)
    number = check_whole("fixed_total_number: number", number)
    rng = _generator("fixed_total_number", seed)
    degrees = rng.multinomial(number, np.full(inputs, 1.0 / inputs))
    return from_rows(degrees, rng.integers(outputs, size=number, dtype=np.int32), inputs, outputs)


def one_to_one(units: int) -> Connections:
    """Cell i to cell i."""
    units = check_whole("one_to_one: units", units)
    return from_rows(np.ones(units, np.int64), np.arange(units, dtype=np.int32), units, units)


def _generator(rule: str, seed: Any) -> np.random.Generator:
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"{rule}: seed is a whole number of at least 0, got {seed!r}.")
    return np.random.default_rng(int(seed))


def _ends(
    rule: str,
    choices: int,
    rows: int,
    degree: int,
    seed: int,
    self_connections: bool,
    multiple: bool,
) -> np.ndarray:
    """(rows, degree) cells drawn from so many choices, for each of the rows."""
    choices = check_whole(f"{rule}: inputs and outputs", choices)
    rows = check_whole(f"{rule}: inputs and outputs", rows)
    degree = check_whole(f"{rule}: degree", degree)
    excluded = not self_connections
    free = choices - excluded
    if free < 1 or (degree > free and not multiple):
        raise ValueError(
            f"{rule}: degree={degree} of {free} cells to choose from: write degree={max(free, 1)} "
            f"or multiple=True."
        )
    rng = _generator(rule, seed)
    drawn = rng.integers(free, size=(rows, degree), dtype=np.int32)
    if not multiple:
        drawn = _distinct(rng, drawn, free)
    if excluded:  # the cell itself is left out of the count
        own = np.arange(rows, dtype=np.int32)[:, None]
        drawn += (drawn >= own) & (own < choices)
    return drawn


def _distinct(rng: np.random.Generator, drawn: np.ndarray, choices: int) -> np.ndarray:
    """The rows with every repetition drawn anew until there is none: all subsets alike likely."""
    degree = drawn.shape[1]
    if 4 * degree > choices:
        for row in drawn:
            row[:] = rng.permutation(choices)[:degree]
        return drawn
    again = np.arange(len(drawn))
    while len(again):
        rows = np.sort(drawn[again], axis=1)
        repeated = np.zeros(rows.shape, bool)
        repeated[:, 1:] = rows[:, 1:] == rows[:, :-1]
        rows[repeated] = rng.integers(choices, size=int(repeated.sum()), dtype=np.int32)
        drawn[again] = rows
        again = again[repeated.any(axis=1)]
    return drawn
