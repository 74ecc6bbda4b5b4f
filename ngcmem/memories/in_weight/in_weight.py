"""In-weight memory: an episode written into a network's own weights."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    Input,
    LearningInput,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Shared,
    Static,
)
from ngcmem.memories._layer_sizes import LayerSizes, as_layers
from ngcmem.memories.in_weight._network import (
    cross_entropy,
    empty_memory,
    features,
    initial_weights,
)
from ngcmem.plasticity import check_learning, descend_loss, init_optimizer


class InWeightState(MemoryState):
    inputs: Input[Array, "vocabulary"]  # the cue: a one-hot token (or a mixture of tokens)
    content: Input[Array, "outputs"]  # a distribution to write in this step; all 0: write nothing
    clear: Input[Array, ""]  # 1: empty the memory before this step's write
    outputs: PerExample[Array, "outputs"]  # logits of the answer
    memory_outputs: PerExample[Array, "outputs"]  # logits of what the memory holds
    targets: LearningInput[Array, "outputs"]  # the right answer, a distribution
    memory_weights: PerExample[Any, ""]  # fast: one set per example
    memory_optimizer_state: PerExample[Any, ""]
    weights: Shared[Any, ""]  # slow: embedding, layers, readout
    head: Shared[Array, "neurons outputs"]  # frozen: no gradient reaches it
    optimizer_state: Shared[Any, ""]


class InWeight(Memory[InWeightState]):
    """A multilayer perceptron some of whose neurons have weights that are an episodic memory.

        z_0     = inputs @ embedding
        z_l     = gelu([z_{l-1} W_l + b_l,  z_{l-1} M_l + c_l])     slow W, b; fast M, c
        outputs = z_L @ readout,    memory_outputs = z_L @ head     the head is random and frozen

    A write takes `inner_steps` descent steps on the fast weights alone, so that the head says the
    `content`:

        M <- M - memory_eta d CE(memory_outputs, content) / dM

    `evolve` then moves the slow weights alone down CE(outputs, targets), averaged over the batch.
    The fast weights count as constants there (first order). `advance_state` clears if told to,
    writes `content` if there is any, then reads: one experiment is one `nm.run`. `memory_optimizer`
    (then memory_eta=None) and `optimizer` take any optax transformation in the place of plain
    descent.

    `nm.store` writes its rows, in order, into every example's memory. Reference: the experiment
    with 128 hidden and 2 memory neurons in `examples/in_weight_memory.py`; fast weights trained by
    descent at test time: Sun et al. (2020), arXiv:1909.13231, and Wang, Shi and Fox (2025),
    arXiv:2501.12352.

    Raises:
        ValueError: `hidden` and `memory` are not equally many whole numbers of at least 1 (one
            number is one layer), `memory_eta` and `memory_optimizer` are both given or both None,
            `eta` and `optimizer` are both given, or an optimizer is no optax transformation.
    """

    vocabulary: Static[int]
    outputs: Static[int]
    hidden: Static[LayerSizes] = (128,)
    memory: Static[LayerSizes] = (2,)
    embedding: Static[int] = 64
    memory_eta: NonNegative | None = 10.0
    memory_optimizer: Static[optax.GradientTransformation | None] = None
    inner_steps: Static[int] = 1
    eta: NonNegative | None = None
    optimizer: Static[optax.GradientTransformation | None] = None

    autoassociative: ClassVar[bool] = False
    fast: ClassVar[tuple[str, ...]] = ("memory_weights", "memory_optimizer_state")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden", "memory"):
            object.__setattr__(self, name, as_layers("InWeight", name, getattr(self, name)))
        hidden, memory = self.hidden, self.memory
        if len(hidden) != len(memory):  # pyright: ignore[reportArgumentType]
            raise ValueError(
                f"InWeight: hidden and memory have one number per layer, got "
                f"hidden={hidden}, memory={memory}."
            )
        if (self.memory_optimizer is None) == (self.memory_eta is None):
            raise ValueError(
                "InWeight: the memory is written by memory_eta= or by memory_optimizer=: with "
                "memory_optimizer=optax.adam(0.1) write memory_eta=None."
            )
        check_learning("InWeight", None, self.memory_optimizer, "memory_optimizer")
        check_learning("InWeight", self.eta, self.optimizer)

    @property
    def layer_sizes(self) -> list[tuple[int, int]]:
        """(hidden, memory) neurons of every layer."""
        hidden, memory = (as_layers("InWeight", n, getattr(self, n)) for n in ("hidden", "memory"))
        return list(zip(hidden, memory, strict=True))

    def init(self, key: Array) -> InWeightState:
        weights, head = initial_weights(
            key, self.vocabulary, self.outputs, self.embedding, self.layer_sizes
        )
        fast, fast_state = self._empty()
        cue, answer = jnp.zeros(self.vocabulary), jnp.zeros(self.outputs)
        return InWeightState(
            inputs=cue,
            content=answer,
            clear=jnp.zeros(()),
            outputs=answer,
            memory_outputs=answer,
            targets=answer,
            memory_weights=fast,
            memory_optimizer_state=fast_state,
            weights=weights,
            head=head,
            optimizer_state=init_optimizer(self.optimizer, weights),
        )

    def advance_state(self, state: InWeightState, t: Array, dt: Array) -> InWeightState:
        kept = (state.memory_weights, state.memory_optimizer_state)
        begun = _select(state.clear > 0, self._empty(), kept)
        fast, fast_state = self._write(
            state.weights, state.head, begun, state.inputs, state.content
        )
        z = features(state.weights, fast, state.inputs)
        return state.recalled(
            memory_weights=fast,
            memory_optimizer_state=fast_state,
            outputs=z @ state.weights["readout"],
            memory_outputs=z @ jax.lax.stop_gradient(state.head),
            matched=_any_nonzero(fast),
        )

    def write(self, state: InWeightState, inputs: Any, content: Any) -> InWeightState:
        """The state after one more write into every example's own memory.

        Args:
            state: a state of any batch.
            inputs: one cue per example, (batch, vocabulary).
            content: what to write under it, (batch, outputs); `nm.store` writes the same rows
                into every example's memory.
        """
        given = state.replace(inputs=inputs, content=content)
        write = jax.vmap(self._write, in_axes=(None, None, 0, 0, 0))
        kept = (state.memory_weights, state.memory_optimizer_state)
        fast, fast_state = write(state.weights, state.head, kept, given.inputs, given.content)
        return state.replace(memory_weights=fast, memory_optimizer_state=fast_state)

    def reset_memory(self, state: InWeightState) -> InWeightState:
        """The state with every example's memory empty, everything else as it was."""
        kept = (state.memory_weights, state.memory_optimizer_state)
        fast, fast_state = jax.tree.map(
            lambda empty, now: jnp.broadcast_to(empty, now.shape).astype(now.dtype),
            self._empty(),
            kept,
        )
        return state.replace(memory_weights=fast, memory_optimizer_state=fast_state)

    def store(
        self, state: InWeightState, inputs: Any, targets: Any, key: Array | None
    ) -> InWeightState:
        if targets is None:
            if self.vocabulary != self.outputs:
                raise ValueError(
                    f"store: what is written has {self.outputs} features and the cues "
                    f"{self.vocabulary}: write nm.store(memory, state, cues, contents)."
                )
            targets = inputs
        kept = (state.memory_weights, state.memory_optimizer_state)

        def one(begun: Any) -> Any:
            def row(now: Any, pair: Any) -> Any:
                return self._write(state.weights, state.head, now, *pair), None

            return jax.lax.scan(row, begun, (inputs, targets))[0]

        fast, fast_state = jax.vmap(one)(kept)
        return state.replace(memory_weights=fast, memory_optimizer_state=fast_state)

    def weight_changes(self, state: InWeightState, t: Array, dt: Array) -> Any:
        """Minus the gradient of the batch's mean cross-entropy with respect to `weights`."""
        return jax.tree.map(jnp.negative, jax.grad(self._loss(state))(state.weights))

    def evolve(self, state: InWeightState, t: Array, dt: Array) -> InWeightState:
        if self.optimizer is None and self.eta is None:
            return state
        begun, how = (state.weights, state.optimizer_state), (self.eta, self.optimizer)
        weights, moments = descend_loss(self._loss(state), *begun, *how)
        return state.replace(weights=weights, optimizer_state=moments)

    def _loss(self, state: InWeightState) -> Callable[[Any], Array]:
        """The batch's mean cross-entropy as a function of the slow weights."""

        def mean_loss(weights: Any) -> Array:
            def one(fast: Any, cue: Array, target: Array) -> Array:
                return cross_entropy(features(weights, fast, cue) @ weights["readout"], target)

            return jax.vmap(one)(state.memory_weights, state.inputs, state.targets).mean()

        return mean_loss

    def _empty(self) -> tuple[Any, Any]:
        fast = empty_memory(self.embedding, self.layer_sizes)
        return fast, init_optimizer(self.memory_optimizer, fast)

    def _write(self, weights: Any, head: Array, begun: Any, cue: Array, content: Array) -> Any:
        """Descent on the fast weights only; content that is all zero changes nothing."""
        weights = jax.lax.stop_gradient(weights)

        def loss(fast: Any) -> Array:
            return cross_entropy(
                features(weights, fast, cue) @ jax.lax.stop_gradient(head), content
            )

        def step(now: Any, _: None) -> tuple[Any, None]:
            fast, moments = now
            return descend_loss(loss, fast, moments, self.memory_eta, self.memory_optimizer), None

        # A single step is unrolled: without a loop around it XLA fuses write and read.
        steps = self.inner_steps
        written = jax.lax.scan(step, begun, length=steps, unroll=steps == 1)[0]
        if self.memory_optimizer is None:
            return written
        return _select(jnp.any(content != 0), written, begun)


def _select(condition: Array, yes: Any, no: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a.astype(b.dtype), b), yes, no)


def _any_nonzero(tree: Any) -> Array:
    return jnp.stack([jnp.any(leaf != 0) for leaf in jax.tree.leaves(tree)]).any()
