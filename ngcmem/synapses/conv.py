"""Convolution and its transpose, over one or two axes of space."""

import jax
import jax.numpy as jnp
from jax import Array, lax

from ngcmem.core import Static, Units, lecun_normal_weights
from ngcmem.synapses._initial import Initializer
from ngcmem.synapses.projected import Projected


class _Windows(Projected):
    """Windows that slide over space, with one set of weights for all their places; abstract."""

    inputs: Units
    channels: Static[int]
    kernel_size: Units
    stride: Units = 1
    padding: Static[str | int | tuple[int, ...]] = "valid"
    dilation: Units = 1
    groups: Static[int] = 1
    weight_init: Static[Initializer] = lecun_normal_weights
    bias_init: Static[Initializer] = jax.nn.initializers.zeros

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__
        if not isinstance(self.inputs, tuple) or len(self.inputs) not in (2, 3):
            raise ValueError(
                f"{name}: inputs is (length, channels) or (height, width, channels), got "
                f"{self.inputs!r}. Write inputs=(28, 28, 1)."
            )
        if isinstance(self.padding, str) and self.padding not in ("valid", "same"):
            raise ValueError(
                f"{name}: padding is one of 'valid', 'same', or the units added on each side, got "
                f"{self.padding!r}."
            )
        for field in ("kernel_size", "stride", "dilation", "padding"):
            given = getattr(self, field)
            if isinstance(given, tuple) and len(given) != self._space:
                raise ValueError(
                    f"{name}: {field} is one number or one per axis of space, {self._space} of "
                    f"them, got {given!r}."
                )
        for side, size in (("inputs", self.inputs[-1]), ("channels", self.channels)):
            if size % self.groups:
                raise ValueError(
                    f"{name}: groups={self.groups} does not divide the {size} channels of "
                    f"{'the inputs' if side == 'inputs' else 'the outputs'}."
                )
        if min(self.output_shape) < 1:
            raise ValueError(
                f"{name}: a window of {self._reach} does not fit into inputs={self.inputs}: the "
                f"outputs would be {self.output_shape}. Write padding='same' or a smaller "
                f"kernel_size."
            )

    @property
    def _space(self) -> int:
        return len(self.input_shape) - 1

    def _each(self, given: int | tuple[int, ...]) -> tuple[int, ...]:
        return given if isinstance(given, tuple) else (given,) * self._space

    @property
    def _reach(self) -> tuple[int, ...]:
        """How far a window reaches along every axis of space."""
        sizes = zip(self._each(self.kernel_size), self._each(self.dilation), strict=True)
        return tuple(1 + (size - 1) * step for size, step in sizes)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The axes of the postsynaptic population: those of space, and the channels."""
        return self.output_shape

    @property
    def input_shape(self) -> tuple[int, ...]:
        assert isinstance(self.inputs, tuple)
        return self.inputs

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.channels,)

    @property
    def incoming(self) -> tuple[int, ...]:
        return tuple(range(len(self.weight_shape) - 1))


class Conv(_Windows):
    """Convolution: every output sees a window of the inputs, through weights all places share.

        outputs[y, x, o] = sum_{i, j, c} inputs[s y + d i - p, s x + d j - p, c]
                                         weights[i, j, c, o]  +  bias[o]

    with stride s, dilation d and p zeros added before each axis; as in every network library the
    window is not flipped. `inputs` is (height, width, channels) or (length, channels), `outputs`
    follows. Plastic: `nm.Hebbian(projection=nm.Conv(...))`, and likewise STDP, predictive and
    feedback synapses; of the projection they take the connections, and have their own
    `weight_init`. Reference: LeCun, Bottou, Bengio and Haffner (1998),
    doi:10.1109/5.726791; Dumoulin and Visin (2016), arXiv:1603.07285 (sizes).

    Attributes:
        channels: feature maps of the outputs.
        kernel_size: the window; as stride and dilation one number or one per axis of space.
        padding: "valid" (none), "same" (ceil(size / stride) outputs), or how many on each side.
        groups: the channels are split in so many that do not meet.

    Raises:
        ValueError: sizes that do not fit together; the text says which.
    """

    @property
    def _pads(self) -> list[tuple[int, int]]:
        if self.padding == "valid":
            return [(0, 0)] * self._space
        if self.padding == "same":
            sizes = zip(self.input_shape, self._each(self.stride), self._reach, strict=False)
            missing = [max((-(-n // s) - 1) * s + reach - n, 0) for n, s, reach in sizes]
            return [(both // 2, both - both // 2) for both in missing]
        assert not isinstance(self.padding, str)
        return [(pad, pad) for pad in self._each(self.padding)]

    @property
    def output_shape(self) -> tuple[int, ...]:
        sizes = zip(
            self.input_shape, self._each(self.stride), self._reach, self._pads, strict=False
        )
        space = tuple((n + sum(pads) - reach) // s + 1 for n, s, reach, pads in sizes)
        return (*space, self.channels)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        per_group = self.input_shape[-1] // self.groups
        return (*self._each(self.kernel_size), per_group, self.channels)

    def transmit(self, inputs: Array, weights: Array) -> Array:
        letters = "HW"[: self._space]
        kind = jnp.result_type(inputs, weights)  # XLA's convolution mixes none
        return lax.conv_general_dilated(
            inputs[None].astype(kind),
            weights.astype(kind),
            window_strides=self._each(self.stride),
            padding=self._pads,
            rhs_dilation=self._each(self.dilation),
            dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
            feature_group_count=self.groups,
        )[0]


class ConvTranspose(_Windows):
    """The transpose of a convolution: every input paints a window of the outputs.

        outputs[s y + d i - p, s x + d j - p, o] += inputs[y, x, c] weights[i, j, c, o]

    and the bias: what `Conv` of the same kernel size, stride, padding, dilation and groups brings
    back, from its outputs to its inputs. Sizes grow to (n - 1) s + window - 2 p, with
    padding="same" to n s. Plastic as `Conv`. Reference: Zeiler, Krishnan, Taylor and Fergus
    (2010), doi:10.1109/CVPR.2010.5539957; Dumoulin and Visin (2016), arXiv:1603.07285.

    Raises:
        ValueError: sizes that do not fit together; the text says which.
    """

    @property
    def output_shape(self) -> tuple[int, ...]:
        sizes = zip(self.input_shape, self._each(self.stride), self._reach, strict=False)
        if self.padding == "same":
            return (*(n * s for n, s, _ in sizes), self.channels)
        pads = (0,) * self._space if isinstance(self.padding, str) else self._each(self.padding)
        grown = zip(sizes, pads, strict=True)
        return (*((n - 1) * s + reach - 2 * pad for (n, s, reach), pad in grown), self.channels)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        per_group = self.channels // self.groups
        return (*self._each(self.kernel_size), self.input_shape[-1], per_group)

    @property
    def has_sums(self) -> bool:
        return self.groups == 1

    def transmit(self, inputs: Array, weights: Array) -> Array:
        forward = Conv(
            inputs=self.output_shape,
            channels=self.input_shape[-1],
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return forward.transposed(inputs, weights.swapaxes(-1, -2))
