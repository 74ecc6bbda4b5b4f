"""Legendre memories: the recent past of a signal, or all of it, as coefficients of polynomials."""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.linalg import expm
from numpy.polynomial import legendre as polynomials

from ngcmem.core import Component, Input, PerExample, Positive, State, Static, carry


class LegendreMemoryState(State):
    inputs: Input[Array, "inputs"]
    memory: PerExample[Array, "inputs order"]  # coefficients of every input's past
    memory_rounding: PerExample[Array, "inputs order"]  # what the digits of it do not hold
    outputs: PerExample[Array, "inputs delays"]  # the inputs at the chosen places of the past


class LegendreMemory(Component[LegendreMemoryState]):
    """The last `theta` ms of every input, as `order` coefficients of Legendre polynomials.

        theta dm/dt = A m + B u
        A_ij = (2 i + 1) (-1 for i < j, else (-1)^(i - j + 1)),   B_i = (2 i + 1) (-1)^i
        u(t - r theta) ~ sum_i P_i(2 r - 1) m_i   for r from 0 to 1

    The step is exact for an input held during it, m <- m + (exp(A h) - 1) m + A^-1 (exp(A h) - 1)
    B u with h = dt / theta: one matrix exponential, which does not depend on the state, so that a
    run computes it once. The held input lags by half a step: u(t - r theta) is u at
    t - r theta - dt / 2. A signal of frequencies up to f is held once order > pi f theta.
    This is the memory of a Legendre memory unit, and LegT but for a diagonal change of basis.
    Units: ms.
    References: Voelker and Eliasmith (2018), doi:10.1162/neco_a_01046; Voelker, Kajic and
    Eliasmith (2019), Legendre memory units, NeurIPS; Gu et al. (2020), arXiv:2008.07669 (LegT).

    Attributes:
        delays: the r of `outputs`, shares of theta from 0 to 1; (1.0,) is the signal theta ago.

    Raises:
        ValueError: a delay out of 0 to 1, or none.
    """

    inputs: Static[int]
    order: Static[int]
    theta: Positive = 100.0  # ms
    delays: Static[tuple[float, ...]] = (1.0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_places("LegendreMemory", "delays", self.delays)

    def init(self, key: Array) -> LegendreMemoryState:
        memory = jnp.zeros((self.inputs, self.order))
        return LegendreMemoryState(
            inputs=jnp.zeros(self.inputs),
            memory=memory,
            memory_rounding=memory,
            outputs=jnp.zeros((self.inputs, len(self.delays))),
        )

    def advance_state(self, state: LegendreMemoryState, t: Array, dt: Array) -> LegendreMemoryState:
        of_memory, of_inputs = self._step(dt)
        change = state.memory @ of_memory.T + state.inputs[:, None] * of_inputs[None]
        memory, rounding = carry(state.memory, state.memory_rounding, change)
        read = jnp.asarray(_legendre(self.delays, self.order), memory.dtype)
        return state.replace(memory=memory, memory_rounding=rounding, outputs=memory @ read.T)

    def _step(self, dt: Array) -> tuple[Array, Array]:
        """exp(A h) - 1 and A^-1 (exp(A h) - 1) B, each with the digits of a small h.

        Both stand in the first rows of the exponential of [[A, A, B], [0, 0, 0]] h.
        """
        d = self.order
        a, b = legendre_matrices(d)
        block = np.zeros((2 * d + 1, 2 * d + 1))
        block[:d] = np.concatenate([a, a, b[:, None]], axis=1)
        grown = expm(jnp.asarray(block, jnp.result_type(dt)) * (dt / self.theta))
        return grown[:d, d : 2 * d], grown[:d, 2 * d]


class LegendreHistoryState(State):
    inputs: Input[Array, "inputs"]
    memory: PerExample[Array, "inputs order"]  # coefficients of every input's past
    count: PerExample[Array, ""]  # steps so far
    outputs: PerExample[Array, "inputs places"]  # the inputs at the chosen places of the past


class LegendreHistory(Component[LegendreHistoryState]):
    """The whole past of every input since the reset, at an ever coarser scale (HiPPO-LegS).

        dm/dt = (A m + B u) / t
        A_ij = -(sqrt((2 i + 1) (2 j + 1)) for i > j, i + 1 for i = j, else 0),  B_i = sqrt(2 i + 1)
        u(s t) ~ sum_i m_i sqrt(2 i + 1) P_i(2 s - 1)   for s from 0, the start, to 1, now

    m holds the first `order` coefficients of the past exactly (A is triangular). So the step for an
    input held during it is exact: the past is evaluated at the nodes of a quadrature, squeezed
    into the first (k - 1) / k of the interval, the input put behind it, and the whole projected
    again, in O(order^2) and without a matrix exponential. Nothing depends on dt. Reference: Gu,
    Dao, Ermon, Rudra and Re (2020), HiPPO, arXiv:2008.07669.

    Attributes:
        places: the s of `outputs`, from 0 (the first input) to 1 (the last).

    Raises:
        ValueError: a place out of 0 to 1, or none.
    """

    inputs: Static[int]
    order: Static[int]
    places: Static[tuple[float, ...]] = (0.0, 0.5, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_places("LegendreHistory", "places", self.places)

    def init(self, key: Array) -> LegendreHistoryState:
        return LegendreHistoryState(
            inputs=jnp.zeros(self.inputs),
            memory=jnp.zeros((self.inputs, self.order)),
            count=jnp.zeros((), jnp.int32),
            outputs=jnp.zeros((self.inputs, len(self.places))),
        )

    def advance_state(
        self, state: LegendreHistoryState, t: Array, dt: Array
    ) -> LegendreHistoryState:
        d, kind = self.order, state.memory.dtype
        roots = np.sqrt(2.0 * np.arange(d) + 1)
        nodes, shares = polynomials.leggauss(d)
        past = jnp.asarray(roots[:, None] * polynomials.legvander(nodes, d - 1).T, kind)
        count = state.count + 1
        newest = 1.0 / count.astype(kind)  # the share of the last step in the whole
        squeezed = (1.0 - newest) * (jnp.asarray(nodes, kind) + 1.0) - 1.0
        border = 1.0 - 2.0 * newest
        at = _recurrence(jnp.append(squeezed, border), d + 1)  # (d + 1, d + 1 places)
        values = (state.memory @ past) * jnp.asarray(shares / 2, kind)[None]
        kept = (1.0 - newest) * (values @ at[:d, :-1].T)
        # The integral of P_i from the border to 1 is (P_{i-1} - P_{i+1}) / (2 i + 1) there.
        ends = jnp.concatenate([jnp.ones(1, kind), at[: d - 1, -1]]) - at[1 : d + 1, -1]
        added = 0.5 * ends / jnp.asarray(roots**2, kind)
        memory = (kept + state.inputs[:, None] * added[None]) * jnp.asarray(roots, kind)[None]
        read = jnp.asarray(roots[None] * _legendre(self.places, d), kind)
        return state.replace(memory=memory, count=count, outputs=memory @ read.T)


def legendre_matrices(order: int) -> tuple[np.ndarray, np.ndarray]:
    """A (order, order) and B (order,) of a `LegendreMemory`, in float64."""
    i = np.arange(order)
    signs = np.where(i[:, None] < i[None], -1.0, (-1.0) ** (i[:, None] - i[None] + 1))
    return (2 * i[:, None] + 1) * signs, (2 * i + 1) * (-1.0) ** i


def _legendre(places: tuple[float, ...], order: int) -> np.ndarray:
    """P_i(2 r - 1), (places, order)."""
    return polynomials.legvander(2 * np.asarray(places, np.float64) - 1, order - 1)


def _recurrence(x: Array, order: int) -> Array:
    """P_i(x) for i up to `order` - 1, (order, places)."""
    rows = [jnp.ones_like(x), x]
    for i in range(1, order - 1):
        rows.append(((2 * i + 1) * x * rows[i] - i * rows[i - 1]) / (i + 1))
    return jnp.stack(rows[:order])


def _check_places(owner: str, name: str, places: tuple[float, ...]) -> None:
    if not places or not all(0 <= r <= 1 and math.isfinite(r) for r in places):
        raise ValueError(
            f"{owner}: {name} are shares of the past, from 0 to 1, got {places!r}. Write "
            f"{name}=(0.0, 0.5, 1.0)."
        )
