"""BayesPCN: a predictive-coding memory whose weights are a posterior, written one shot."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ngcmem.core import (
    BelowOne,
    Input,
    Memory,
    MemoryState,
    NonNegative,
    PerExample,
    Positive,
    Probability,
    Shared,
    Static,
    as_probability,
    widen,
)
from ngcmem.memories._descent import Values, lowest
from ngcmem.memories._layer_sizes import LayerSizes, as_layers

Posterior = tuple[Values, Values]  # means and covariances of all layers


class BayesPCNState(MemoryState):
    inputs: Input[Array, "features"]  # the probe, or the pattern that evolve writes
    known: Input[Array, "features"]  # 1: clamped to the probe; 0: settles with the network
    outputs: PerExample[Array, "features"]  # what the settled network predicts
    variance: PerExample[Array, ""]  # of every output: of the noise and of the weights
    hidden: PerExample[Any, ""]  # values of the hidden layers, lowest first
    energy: PerExample[Array, ""]
    means: Shared[Any, ""]  # R, one (upper, lower) per layer; the topmost (1, top) is the bias
    covariances: Shared[Any, ""]  # U, one (upper, upper) per layer
    prior_means: Shared[Any, ""]  # R before the first write
    count: Shared[Array, ""]  # patterns written


class BayesPCN(Memory[BayesPCNState]):
    """One-shot writes as Bayesian updates of the weights of a generative network, layer by layer.

        x_l = f(x_{l+1}) W_l + noise,     W_l ~ matrix normal(R_l, U_l, I),     x_0 the features

    With the weights integrated out, x_l given z = f(x_{l+1}) is Gaussian with mean z R_l and
    variance s_l = noise + z U_l z^T, and the energy is -log p(x), without its 2 pi:

        E = sum_l |x_l - z R_l|^2 / (2 s_l) + (units of layer l) log(s_l) / 2

    The top layer has the constant input z = 1: its R is a bias. Recall starts from the prior
    means of the hidden values and descends E on them, known features clamped, unknown ones
    integrated out; `settle_steps` steps with momentum, of size `rate` on noise * E. It keeps the
    place of lowest energy on the way: at the kinks of a relu the descent itself does not rest. A
    write settles on the whole pattern, then updates every layer in closed form:

        R <- R + k (x_l - z R),   U <- U - k (z U),   k = U z^T / s_l

    rows in order, each settled under the posterior of those before; nothing is stored but R and U.
    Before each write the posterior diffuses back to the prior by `decay` (0: never),

        R <- R_0 + sqrt(1 - decay) (R - R_0),   U <- (1 - decay) U + decay prior I

    which keeps the prior in place, makes room, and lets the oldest patterns fade first; `forget`
    does it once, by request. `evolve` writes the batch's settled `inputs` together, after the decay
    of as many writes, features that are not known as predicted. One particle of the published
    sequential Monte Carlo, at the mode of the hidden values. Reference: Yoo and Wood (2022),
    arXiv:2205.09930.

    Attributes:
        hidden: sizes of the hidden layers, lowest first, or of the one there is.
        activation: f.
        noise: variance of a unit around its prediction; small: patterns are kept exactly.
        prior: variance of a weight before the first write.

    Raises:
        ValueError: `hidden` is no layer size, or a hyper-parameter is out of its domain.
    """

    features: Static[int]
    hidden: Static[LayerSizes]
    activation: Static[Callable[[Array], Array]] = jax.nn.relu
    noise: Positive = 0.01
    prior: NonNegative = 1.0
    decay: Probability = 0.0
    step_size: NonNegative = 1.0
    momentum: BelowOne = 0.9
    settle_steps: Static[int] = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "hidden", self.layers)

    @property
    def layers(self) -> tuple[int, ...]:
        """`hidden` as a tuple."""
        return as_layers("BayesPCN", "hidden", self.hidden)

    def no_convergence(self) -> str | None:
        return (
            "One read settles anew from the prior means: with known= the next one finds the same, "
            "and of reading what was read nothing is proved. For a longer descent write "
            "settle_steps=."
        )

    def init(self, key: Array) -> BayesPCNState:
        sizes, keys = (self.features, *self.layers), jax.random.split(key, len(self.layers) + 1)
        draw = jax.nn.initializers.lecun_normal()
        means = tuple(
            draw(k, (upper, lower))
            for k, upper, lower in zip(keys, (*sizes[1:], 1), sizes, strict=True)
        )
        features = jnp.zeros(self.features)
        return BayesPCNState(
            inputs=features,
            known=jnp.ones(self.features),
            outputs=features,
            variance=jnp.zeros(()),
            hidden=tuple(jnp.zeros(n) for n in self.layers),
            energy=jnp.zeros(()),
            means=means,
            covariances=tuple(self.prior * jnp.eye(len(mean)) for mean in means),
            prior_means=means,
            count=jnp.zeros((), jnp.int32),
        )

    def _rates(self, hidden: Values) -> Values:
        """z of every layer."""
        return (*(self.activation(x) for x in hidden), jnp.ones_like(hidden[0][..., :1]))

    def _energy(
        self, means: Values, covariances: Values, hidden: Values, inputs: Array, known: Array
    ) -> Array:
        """The energy of one example with the unknown features integrated out."""
        total, weights = jnp.zeros((), inputs.dtype), (known, *map(jnp.ones_like, hidden))
        layers = zip(
            self._rates(hidden), means, covariances, (inputs, *hidden), weights, strict=True
        )
        for z, mean, covariance, x, counts in layers:
            variance = self.noise + z @ covariance @ z
            missed = jnp.where(counts > 0, x - z @ mean, 0)  # unknown ones may hold anything
            mismatch = jnp.sum(counts * missed**2)
            total = total + 0.5 * (mismatch / variance + jnp.sum(counts) * jnp.log(variance))
        return total

    def _infer(self, means: Values, covariances: Values, inputs: Array, known: Array) -> Values:
        start = (means[-1][0],)
        for mean in means[-2:0:-1]:
            start = (self.activation(start[0]) @ mean, *start)

        curvature = [
            1.0 + jnp.linalg.norm(mean, 2) ** 2 + mean.shape[1] * self.prior for mean in means[:-1]
        ]
        scales = [self.noise / jax.lax.stop_gradient(bound) for bound in curvature]

        def energy(hidden: Values) -> Array:
            return self._energy(means, covariances, hidden, inputs, known)

        return lowest(
            energy,
            tuple(scales),
            start,
            steps=self.settle_steps,
            step_size=self.step_size,
            momentum=self.momentum,
        )

    def advance_state(self, state: BayesPCNState, t: Array, dt: Array) -> BayesPCNState:
        means, covariances, inputs = widen((state.means, state.covariances, state.inputs))
        hidden = self._infer(means, covariances, inputs, state.known)
        z = self._rates(hidden)[0]
        return state.recalled(
            hidden=hidden,
            outputs=z @ means[0],
            variance=self.noise + z @ covariances[0] @ z,
            energy=self._energy(means, covariances, hidden, inputs, state.known),
            matched=state.count > 0,
        )

    def _written(self, posterior: Posterior, rows: Array, hidden: Values) -> Posterior:
        """The posterior after a batch of patterns with these hidden values."""
        after = []
        layers = zip(self._rates(hidden), *posterior, (rows, *hidden), strict=True)
        for z, mean, covariance, x in layers:
            reach = z @ covariance
            spread = reach @ z.T + self.noise * jnp.eye(len(z), dtype=z.dtype)
            gain = jnp.linalg.solve(spread, reach)
            kept = jnp.eye(z.shape[1], dtype=z.dtype) - gain.T @ z
            # Joseph's form, a sum of squares: never negative, as P - gain^T reach may round to.
            shrunk = kept @ covariance @ kept.T + self.noise * gain.T @ gain
            after.append((mean + gain.T @ (x - z @ mean), shrunk))
        means, covariances = zip(*after, strict=True)
        return means, covariances

    def _diffused(self, posterior: Posterior, prior_means: Values, amount: Any) -> Posterior:
        means, covariances = posterior
        kept, grown = jnp.sqrt(1.0 - amount), amount * self.prior
        return (
            tuple(p + kept * (m - p) for m, p in zip(means, prior_means, strict=True)),
            tuple((1.0 - amount) * u + grown * jnp.eye(len(u), dtype=u.dtype) for u in covariances),
        )

    def store(self, state: BayesPCNState, inputs: Any, targets: Any, key: Any) -> BayesPCNState:
        if targets is not None:
            raise ValueError(
                "store: BayesPCN is auto-associative: to bind inputs to targets, store them "
                "side by side as one pattern and recall with known=."
            )
        prior_means = widen(state.prior_means)

        def write(posterior: Posterior, row: Array) -> tuple[Posterior, None]:
            posterior = self._diffused(posterior, prior_means, self.decay)
            hidden = self._infer(*posterior, row, jnp.ones_like(row))
            rows = tuple(x[None] for x in (row, *hidden))
            return self._written(posterior, rows[0], rows[1:]), None

        begin = widen((state.means, state.covariances))
        (means, covariances), _ = jax.lax.scan(write, begin, widen(inputs))
        count = state.count + inputs.shape[0]
        return state.replace(means=means, covariances=covariances, count=count)

    def forget(self, state: BayesPCNState, amount: float | Array) -> BayesPCNState:
        """The state with its posterior diffused to the prior by `amount`, 0 (not) to 1 (wholly).

        Raises:
            ValueError: a number outside of 0 to 1 (traced: NaN in all that is returned).
        """
        amount = as_probability("BayesPCN.forget: amount", amount)
        means, covariances, prior_means = widen((state.means, state.covariances, state.prior_means))
        means, covariances = self._diffused((means, covariances), prior_means, amount)
        return state.replace(means=means, covariances=covariances)

    def evolve(self, state: BayesPCNState, t: Array, dt: Array) -> BayesPCNState:
        posterior = widen((state.means, state.covariances))
        number = state.inputs.shape[0]
        lost = -jnp.expm1(number * jnp.log1p(-jnp.asarray(self.decay)))  # of so many writes
        posterior = self._diffused(posterior, widen(state.prior_means), lost)
        seen = jnp.where(state.known > 0, state.inputs, state.outputs)
        means, covariances = self._written(posterior, *widen((seen, state.hidden)))
        return state.replace(means=means, covariances=covariances, count=state.count + number)

    def weight_changes(self, state: BayesPCNState, t: Array, dt: Array) -> Values:
        after = self.evolve(state, t, dt).means
        return tuple(new - old for new, old in zip(after, state.means, strict=True))
