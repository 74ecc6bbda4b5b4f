"""What all synapses that learn have in common: transmission, learning rate, bounds."""

import abc
import math
from typing import Any, ClassVar, TypeVar

import jax.numpy as jnp
import optax
from jax import Array

from ngcmem.core import (
    SLACK,
    Component,
    Input,
    LearningInput,
    NonNegative,
    PerExample,
    Real,
    Shared,
    State,
    Static,
    UnitsOrNone,
    check_choice,
    uniform_weights,
)
from ngcmem.plasticity import check_learning, init_optimizer, learning_step
from ngcmem.synapses._bounds import BOUNDS, clipped, crossed, normalised, slowed
from ngcmem.synapses._events import Event, growth_and_decline, mean_change
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses._via import take_sizes, via
from ngcmem.synapses.projected import Projected


class PlasticState(State):
    """Compartments of every synapse that learns."""

    inputs: Input[Array, "inputs"]  # presynaptic spikes or rates
    outputs: PerExample[Array, "outputs"]  # scale * inputs @ weights
    post: LearningInput[Array, "outputs"]  # postsynaptic spikes or rates
    weights: Shared[Array, "inputs outputs"]
    optimizer_state: Shared[Any, ""]


S = TypeVar("S", bound=PlasticState)


class PlasticSynapse(Component[S]):
    """A synapse whose weights change by a local rule; abstract.

        outputs = scale * (inputs @ weights)
        W <- W + eta dW,   or by an optax `optimizer`, which is fed -dW;   then bounds, then `total`

    Transmission is linear: two spikes in a step bring twice the weight. Every input reaches every
    output, or a `projection` says which does, and inputs and outputs are its own:
    `projection=nm.Conv(inputs=(28, 28, 1), channels=16, kernel_size=5)`. A weight that stands at
    many places changes by the sum of what it would at each.

    dW is the rule's `weight_changes`, the mean over the batch of what each example alone would
    change. A rule of events (spikes that meet traces) changes W at each event, whatever dt is; a
    rule of rates is an integral and carries dt, its `eta` is per ms.

    `bounds="hard"` clips W to weight_min..weight_max, `"none"` leaves W free. `"soft"` also scales
    each event's growth by the room above it and each event's decline by the room below,

        dW = growth (weight_max - W) - decline (W - weight_min)

    With an `optimizer` the two are fed to it apart, as two gradients, and the room scales what
    comes out: so soft bounds mean the same for sgd as for `eta`, and hold for adam too.

    With `total` every output's incoming weights are scaled to that sum, after every step, or with
    `total_every` at the end of every so many ms of the time `t` (a stimulus; a circuit's time
    begins at 0 with `nm.reset`). Bounds hold after everything: a weight that the scaling takes
    beyond one is cut, and the sum is then short of `total` by as much until the next steps have
    shared it out. An output none of whose weights a step moves keeps them bit for bit, so with
    `eta=0` nothing changes at all.

    Reference: Gerstner and Kistler (2002), Spiking Neuron Models, chapter 10.

    Attributes:
        eta, optimizer: a learning rate or an optax transformation, at most one; with neither the
            component's `default_eta`. `eta`, `weight_min` and `weight_max` are one value or one
            per weight, (inputs, outputs), where an axis of length 1 stands for all; every other
            hyper-parameter is one value or one per output, (outputs,).
        projection: `Conv`, `ConvTranspose` or `Patched`; its connections count, not its bias and
            first weights.
        weight_init: an initializer such as `jax.nn.initializers.uniform(1.0)`.

    Raises:
        ValueError: both `eta` and `optimizer`, an unknown `bounds`, a `weight_min` above
            `weight_max` (traced: the weights are NaN), a `total` that weights of `weight_max` do
            not reach, a hyper-parameter of another shape, or a projection the rule cannot use.
        TypeError: neither sizes nor a projection.
    """

    default_eta: ClassVar[float] = 0.01
    per_weight: ClassVar[tuple[str, ...]] = ("eta", "weight_min", "weight_max")

    dense_only: ClassVar[bool] = False

    inputs: UnitsOrNone = None
    outputs: UnitsOrNone = None
    projection: Projected | None = None
    scale: Real = 1.0
    eta: Real | None = None
    optimizer: Static[optax.GradientTransformation | None] = None
    bounds: Static[str] = "hard"
    weight_min: Real = 0.0
    weight_max: Real = 1.0
    total: NonNegative | None = None
    total_every: NonNegative = 0.0  # ms; 0: every step
    weight_init: Static[Initializer] = uniform_weights

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        take_sizes(self, dense_only=self.dense_only)
        check_learning(name, self.eta, self.optimizer)
        check_choice(name, "bounds", self.bounds, BOUNDS)
        if self.bounds != "none" and crossed(self.weight_min, self.weight_max):
            raise ValueError(
                f"{name}: weight_min={self.weight_min} is above weight_max={self.weight_max}. "
                "Exchange them."
            )
        numbers = [x for x in (self.total, self.weight_max) if isinstance(x, (int, float))]
        count = math.prod(self._via.weight_shape[axis] for axis in self._via.incoming)
        if self.bounds != "none" and len(numbers) == 2 and numbers[0] > count * numbers[1]:
            raise ValueError(
                f"{name}: total={self.total} is more than inputs={count} weights of at most "
                f"weight_max={self.weight_max} add up to. Write "
                f"total={count * self.weight_max} or less."
            )
        if self.total is not None and not self._via.has_sums:
            raise ValueError(f"{name}: total needs groups=1 in a {type(self._via).__name__}.")
        if self.eta is None and self.optimizer is None:
            object.__setattr__(self, "eta", self.default_eta)

    @property
    def _via(self) -> Projected:
        """Who reaches whom: all by default."""
        return via(self)

    def axis_size(self, path: str, axis: str) -> Any:
        shared = path == "weights" or axis in ("inputs", "outputs")
        return self._via.axis_size(path, axis) if shared else super().axis_size(path, axis)

    def init_common(self, key: Array) -> dict[str, Any]:
        """The compartments of `PlasticState`, for a subclass's `init`."""
        self.check_shapes()
        weights = self._via.fresh_weights(self, key)
        if self.total is not None:
            weights = self.bounded(normalised(weights, self.total, self._via.incoming))
        fed = (weights, weights) if self.bounds == "soft" else weights
        return dict(
            inputs=self.zeros_pre(),
            outputs=self.zeros_post(),
            post=self.zeros_post(),
            weights=weights,
            optimizer_state=init_optimizer(self.optimizer, fed),
        )

    def zeros_pre(self) -> Array:
        """Zeros, one per input."""
        return jnp.zeros(self._via.input_shape)

    def zeros_post(self) -> Array:
        """Zeros, one per output."""
        return jnp.zeros(self._via.output_shape)

    def check_shapes(self) -> None:
        """Whether every hyper-parameter fits the weights.

        Raises:
            ValueError: one that does not; the text names it and the shapes it may have.
        """
        one, per_output, full = (), self._via.output_shape, self._via.weight_shape
        inside = self._via.incoming
        for name in self.leaf_names:
            given = getattr(self, name)
            if given is None or name == "projection":
                continue
            shape = jnp.shape(given)
            if name in self.per_weight:
                fits = shape == one or (
                    len(shape) == len(full)
                    and all(a in (1, b) for a, b in zip(shape, full, strict=True))
                )
                by_input = tuple(b if i in inside else 1 for i, b in enumerate(full))
                by_output = tuple(1 if i in inside else b for i, b in enumerate(full))
                may = (
                    f"one per input, shape {by_input}, one per output, shape "
                    f"{by_output}, or one per weight, shape {full}"
                )
            else:
                fits, may = shape in (one, per_output), f"one per output, shape {per_output}"
            if not fits:
                raise ValueError(
                    f"{type(self).__name__}: {name} has shape {shape}; give one value, {may}."
                )

    def advance_state(self, state: S, t: Array, dt: Array) -> S:
        arriving = self._via.transmit(state.inputs, state.weights)
        return state.replace(outputs=self.scale * arriving)

    @abc.abstractmethod
    def events(self, state: S, t: Array, dt: Array) -> tuple[Event, ...]:
        """What the rule does: pairs (pre, post), whose outer product is a change, or changes."""

    def weight_changes(self, state: S, t: Array, dt: Array) -> Array:
        """dWeights, (inputs, outputs), of the rule, before `eta`, bounds and `total`."""
        return mean_change(self._via, *self.events(state, t, dt))

    def growth_and_decline(self, state: S, t: Array, dt: Array) -> tuple[Array, Array]:
        """What the events add to the weights and take from them: dW is their difference."""
        return growth_and_decline(self._via, *self.events(state, t, dt))

    def evolve(self, state: S, t: Array, dt: Array) -> S:
        return self.learned(state, t, dt)

    def learned(self, state: S, t: Array, dt: Array) -> S:
        """The state with its weights changed by the rule, within their bounds."""
        self.check_shapes()
        old = state.weights
        how: dict[str, Any] = dict(eta=self.eta, optimizer=self.optimizer)
        if self.bounds == "soft":
            grown, shrunk = self.growth_and_decline(state, t, dt)
            (up, down), optimizer_state = learning_step(
                (old, old), (grown, -shrunk), state.optimizer_state, **how
            )
            step = slowed(up, -down, old, self.weight_min, self.weight_max)
        else:
            change = self.weight_changes(state, t, dt)
            step, optimizer_state = learning_step(old, change, state.optimizer_state, **how)
        inside = self._via.incoming
        new, moved = self.bounded(old + step), jnp.any(step != 0, axis=inside, keepdims=True)
        if self.total is not None:
            now = _ends_a_period(self.total_every, t, dt)
            new = jnp.where(now, self.bounded(normalised(new, self.total, inside)), new)
            moved = moved | (now & (self.total_every > 0) & self._learning(step))
        weights = jnp.where(moved, new.astype(old.dtype), old)
        return state.replace(weights=weights, optimizer_state=optimizer_state)

    def _learning(self, step: Array) -> Array:
        """Which outputs learn at all, each or all: what an eta of 0 switches off."""
        if self.eta is None or jnp.ndim(self.eta) == 0:
            return jnp.any((step if self.eta is None else jnp.asarray(self.eta)) != 0)
        return jnp.any(self.eta != 0, axis=self._via.incoming, keepdims=True)

    def bounded(self, weights: Array) -> Array:
        """The weights within their bounds, if they have any."""
        if self.bounds == "none":
            return weights
        return clipped(weights, self.weight_min, self.weight_max)


def _ends_a_period(period: float | Array, t: Array, dt: Array) -> Array:
    """Whether a whole number of periods ends with the step that begins at t; always for 0."""
    length = jnp.where(period > 0, period, 1.0)
    before, after = (jnp.floor((time + SLACK * dt) / length) for time in (t, t + dt))
    return (after > before) | (period <= 0)
