"""Modern Hopfield memory with explicit slots, one-shot storage and local plasticity."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    Input,
    Interval,
    LearningInput,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Probability,
    Real,
    RealOrInf,
    Shared,
    Static,
    check_choice,
    examples_axis,
    normal_weights,
)
from ngcmem.memories.hopfield._options import check_initial, check_rule
from ngcmem.plasticity import (
    Delta,
    SlotRule,
    Slots,
    append,
    append_novel,
    apply_change,
    check_learning,
    filled,
    forget_moments,
    init_optimizer,
    newly_written,
)
from ngcmem.retrieval import (
    RetrievalResult,
    Separation,
    Similarity,
    descends,
    resolve_separation,
    resolve_similarity,
    retrieve,
    retrieve_batch,
)


class HopfieldState(MemoryState):
    inputs: Input[Array, "features"]  # the probe
    known: Input[Array, "features"]  # 1 where the probe is known, 0 where it is to be filled
    learn: LearningInput[Array, ""]  # how much evolve learns from this example, 1 or less
    outputs: PerExample[Array, "features"]  # what is recalled
    similarities: PerExample[Array, "slots"]  # of the probe to every pattern, before beta
    memory_weights: PerExample[Array, "slots"]  # after the separation
    energy: PerExample[Array, ""]  # of the probe
    weights: Shared[Array, "slots features"]  # the patterns, one per row
    mask: Shared[Array | None, "slots features"]  # connections that exist (p_conn < 1)
    count: Shared[Array, ""]  # slots in use, the first ones
    written: Shared[Array, ""]  # rows stored since the beginning
    refused: Shared[Array, ""]  # rows that found the memory full (when_full="refuse")
    optimizer_state: Shared[Any, ""]
    learning_key: Shared[Array | None, ""]  # of stochastic rules


class Hopfield(Memory[HopfieldState]):
    """Recall by similarity, separation and projection; patterns are the rows x_i of `weights`.

        outputs = sum_i p_i x_i,   p = softmax(beta X q)
        energy(q) = -logsumexp(beta X q)/beta + |q|^2/2 + ln(count)/beta + max_i |x_i|^2/2

    for a probe q, X the used rows (the defaults: dot similarity, softmax; other pairs in
    docs/retrieval.md). Effective weights scale * mask * weights enter similarity, projection and
    energy alike. `evolve` applies `rule` (the delta rule by default) with a learning rate
    `eta` or an optax `optimizer`; with neither it leaves the weights alone. With `novelty` set it
    first appends the probes whose best similarity is below it, and adapts from the others.

    References: Ramsauer et al. (2021), arXiv:2008.02217, equation 2; Krotov and Hopfield (2020),
    arXiv:2008.06996; Movellan (1991) for the contrastive rule.

    Attributes:
        beta: inverse temperature of the recall.
        eta, optimizer: a learning rate or an optax transformation, at most one of them.
        rule: what `evolve` wants to change: `Delta()`, `Contrastive()`, `EnergyGradient()`, ...
        weight_decay: decay per `evolve`, W - weight_decay * W.
        similarity, separation: names or instances of the retrieval layer.
        initial, weight_init: "empty", or "random": all slots used, drawn by `weight_init`.
        patterns: stored in the first slots by `init`, (n, features).
        when_full: "fifo" overwrites the oldest, "refuse" counts what it does not take.
        novelty: store only what has no similarity of at least this (to rounding) to any pattern.
        p_conn, scale: probability of a connection; factor on every weight (None: 1, free).
        method: "auto", "materialised" or "streamed", see docs/retrieval.md.

    Raises:
        ValueError: both `eta` and `optimizer` are given, an unknown name among the options, a rule
            for another kind of memory, or `patterns` of another shape.
    """

    slots: Static[int]
    features: Static[int]
    beta: NonNegative = 1.0
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None
    rule: SlotRule = Delta()
    weight_decay: Probability = 0.0
    similarity: str | Similarity = "dot"
    separation: str | Separation = "softmax"
    initial: Static[Literal["empty", "random"]] = "empty"
    weight_init: Static[Callable[..., Array]] = normal_weights
    patterns: Annotated[Array, Interval("(-inf, inf)")] | None = None
    when_full: Static[Literal["fifo", "refuse"]] = "fifo"
    novelty: RealOrInf | None = None
    p_conn: Static[Annotated[float, Interval("(0, 1]")]] = 1.0
    scale: Real | None = None
    method: Static[Literal["auto", "materialised", "streamed"]] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_learning("Hopfield", self.eta, self.optimizer)
        check_choice("Hopfield", "initial", self.initial, ("empty", "random"))
        check_choice("Hopfield", "when_full", self.when_full, ("fifo", "refuse"))
        check_choice("Hopfield", "method", self.method, ("auto", "materialised", "streamed"))
        check_rule(self.rule)
        check_initial(self.patterns, self.initial, self.slots, self.features)
        object.__setattr__(self, "similarity", resolve_similarity(self.similarity))
        object.__setattr__(self, "separation", resolve_separation(self.separation))

    def init(self, key: Array) -> HopfieldState:
        draw, connect, learn = jax.random.split(key, 3)
        shape, count = (self.slots, self.features), 0
        weights = jnp.zeros(shape)
        if self.initial == "random":
            weights, count = self.weight_init(draw, shape), self.slots
        if self.patterns is not None:
            count = self.patterns.shape[0]
            weights = weights.at[:count].set(self.patterns)
        mask = None
        if self.p_conn < 1.0:
            mask = jax.random.bernoulli(connect, self.p_conn, shape).astype(weights.dtype)
            weights = weights * mask
        features, slots = jnp.zeros(self.features), jnp.zeros(self.slots)
        return HopfieldState(
            inputs=features,
            known=jnp.ones(self.features),
            learn=jnp.ones(()),
            outputs=features,
            similarities=slots,
            memory_weights=slots,
            energy=jnp.zeros(()),
            weights=weights,
            mask=mask,
            count=jnp.asarray(count, jnp.int32),
            written=jnp.asarray(0 if self.initial == "random" else count, jnp.int32),
            refused=jnp.zeros((), jnp.int32),
            optimizer_state=init_optimizer(self.optimizer, weights),
            learning_key=learn if self.rule.stochastic else None,
        )

    def advance_state(self, state: HopfieldState, t: Array, dt: Array) -> HopfieldState:
        def retrieved(method: Any) -> RetrievalResult:
            return retrieve(
                state.inputs,
                self._effective(state, state.weights),
                known=state.known,
                method=method,
                axis_name=examples_axis(),
                **self._settings(state),
            )

        recall = retrieved(self.method)
        slots = recall if recall.weights is not None else retrieved("materialised")
        return state.recalled(
            outputs=recall.outputs,
            similarities=slots.similarities,
            memory_weights=slots.weights,
            energy=recall.energy,
            matched=recall.matched,
        )

    def weight_changes(self, state: HopfieldState, t: Array, dt: Array) -> Array:
        def recalled(weights: Array, probes: Array) -> RetrievalResult:
            patterns = self._effective(state, weights)
            return retrieve_batch(probes, patterns, method="materialised", **self._settings(state))

        change = self.rule(state, recalled, self._learning_keys(state)[1])
        used = jnp.arange(self.slots, dtype=jnp.int32)[:, None] < state.count
        change = jnp.where(used, change, 0)
        return change if state.mask is None else change * state.mask

    def evolve(self, state: HopfieldState, t: Array, dt: Array) -> HopfieldState:
        grown = state
        if self.novelty is not None:
            grown, novel = self._append_novel(state, filled(state), state.known, state.learn)
            state = state.replace(learn=jnp.where(novel, 0, state.learn))
        if self.eta is None and self.optimizer is None:
            return grown
        change = self.weight_changes(state, t, dt)
        if self.novelty is not None:  # drop changes meant for rows just overwritten
            over = newly_written(_slots(state), _slots(grown))
            change = jnp.where(over[:, None], 0, change)
        weights, optimizer_state = apply_change(
            grown.weights,
            change,
            grown.optimizer_state,
            eta=self.eta,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
        )
        return grown.replace(
            weights=weights,
            optimizer_state=optimizer_state,
            learning_key=self._learning_keys(state)[0],
        )

    def store(
        self, state: HopfieldState, inputs: Array, targets: Any, key: Array | None
    ) -> HopfieldState:
        if targets is not None:
            raise ValueError(
                "store: Hopfield is auto-associative, it recalls what it stored: leave out targets."
            )
        if self.novelty is not None:
            everything = jnp.ones_like(inputs)
            return self._append_novel(state, inputs, everything, everything[:, 0])[0]
        slots = append(_slots(state), inputs, self.when_full, state.mask)
        return self._filled_up(state, slots)

    def no_convergence(self) -> str | None:
        descent = descends(self.similarity, self.separation)  # pyright: ignore
        return None if descent.holds else f"{descent.reason}."

    def _append_novel(
        self, state: HopfieldState, rows: Array, known: Array, allowed: Array
    ) -> tuple[HopfieldState, Array]:
        def best(slots: Slots, row: Array, row_known: Array) -> Array:
            patterns = self._effective(state, slots.weights)
            similarities = self.similarity(row, patterns, row_known)  # pyright: ignore
            return jnp.where(
                jnp.arange(self.slots, dtype=jnp.int32) < slots.count, similarities, -jnp.inf
            ).max()

        threshold = jnp.inf if self.novelty is None else self.novelty
        slots, novel = append_novel(
            _slots(state), rows, self.when_full, best, threshold, known, allowed, state.mask
        )
        return self._filled_up(state, slots), novel

    def _filled_up(self, state: HopfieldState, slots: Slots) -> HopfieldState:
        """The state with these slots, and an optimiser that knows nothing of the rows written."""
        over = newly_written(_slots(state), slots)
        kept = forget_moments(self.optimizer, state.optimizer_state, slots.weights, over)
        return state.replace(optimizer_state=kept, **slots._asdict())

    def _settings(self, state: HopfieldState) -> dict[str, Any]:
        names = ("similarity", "separation", "beta")
        return {"count": state.count, **{name: getattr(self, name) for name in names}}

    def _effective(self, state: HopfieldState, weights: Array) -> Array:
        if state.mask is not None:
            weights = weights * state.mask
        return weights if self.scale is None else weights * self.scale

    def _learning_keys(self, state: HopfieldState) -> tuple[Array | None, Array | None]:
        """The key to keep and the key to use now."""
        keys = state.learning_key
        return (None, None) if keys is None else tuple(jax.random.split(keys))  # pyright: ignore


def _slots(state: HopfieldState) -> Slots:
    return Slots(state.weights, state.count, state.written, state.refused)
