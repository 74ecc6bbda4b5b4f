"""What is declared to be 0 to 1 is: an image of 0..255 is no intensity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcmem as nm
from ngcmem import wire
from ngcmem.core import ZeroToOne
from tests.components import COMPONENTS

IMAGE = np.uint8([[0, 17, 255]])
DECLARED = [
    pytest.param(entry, path, id=f"{name}.{path}")
    for name, entry in COMPONENTS.items()
    if not isinstance(entry.build(), nm.Circuit)
    for path, spec in nm.init(entry.build(), jax.random.key(0)).specs().items()
    if isinstance(spec.domain, ZeroToOne)
]


def test_the_encoders_and_the_binary_error_declare_it():
    found = {parameter.id for parameter in DECLARED}
    encoders = {"Poisson.inputs", "Bernoulli.inputs", "Latency.inputs"}
    assert encoders | {"BernoulliError.target"} <= found


def _like(entry, path, values):
    """Values resized to the compartment, in the dtype given."""
    return np.resize(values, nm.init(entry.build(), jax.random.key(0))[path].shape)


@pytest.mark.parametrize(("entry", "path"), DECLARED)
@pytest.mark.parametrize("library", [np.asarray, jnp.asarray, np.ndarray.tolist])
def test_bytes_are_refused_with_the_line_to_write(entry, path, library):
    state = nm.init(entry.build(), jax.random.key(0))
    image = library(_like(entry, path, np.uint8([255, 17, 0])))
    with pytest.raises(ValueError, match=rf"0 to 1.*write {path} / 255"):
        state.set({path: image})
    with pytest.raises(ValueError, match=rf"0 to 1.*write {path} / 255"):
        state.replace(**{path: image})
    for how in ("inputs", "clamp"):
        given = image if how == "clamp" else [image] if isinstance(image, list) else image[None]
        with pytest.raises(ValueError, match=rf"run: {how}.*0 to 1.*/ 255"):
            nm.run(entry.build(), state, steps=1, **{how: {path: given}})


@pytest.mark.parametrize(("entry", "path"), DECLARED)
def test_a_traced_image_of_integers_is_refused(entry, path):
    state = nm.init(entry.build(), jax.random.key(0))
    with pytest.raises(ValueError, match="0 to 1, got uint8"):
        jax.jit(lambda x: state.set({path: x}))(_like(entry, path, IMAGE))


@pytest.mark.parametrize(("entry", "path"), DECLARED)
@pytest.mark.parametrize("wrong", [1.5, -0.25, np.nan, np.inf])
def test_no_other_number_on_the_host_passes(entry, path, wrong):
    state = nm.init(entry.build(), jax.random.key(0))
    values = _like(entry, path, np.array([wrong]))
    with pytest.raises(ValueError, match="0 to 1, got"):
        state.set({path: values})


@pytest.mark.parametrize(("entry", "path"), DECLARED)
def test_whatever_lies_within_passes(entry, path):
    state = nm.init(entry.build(), jax.random.key(0))
    for values in (np.array([0.0, 1.0, 0.5]), np.array([True, False]), np.array([1, 0, 1])):
        given = _like(entry, path, values)
        np.testing.assert_array_equal(state.set({path: given})[path], given.astype(np.float32))


def test_in_a_circuit():
    circuit = nm.connect(
        dict(eye=nm.Poisson(units=3), count=nm.SpikeCount(units=3)),
        [wire("eye.spikes", to="count.inputs")],
    )
    state = nm.init(circuit, jax.random.key(0))
    with pytest.raises(ValueError, match=r"inputs / 255"):
        state.set({"eye.inputs": IMAGE})
    with pytest.raises(ValueError, match=r"write clamp\['eye.inputs'\] / 255"):
        nm.run(circuit, state, steps=2, clamp={"eye.inputs": IMAGE})
    seen = nm.run(circuit, state, steps=20, clamp={"eye.inputs": IMAGE / 255})[0]["count.counts"]
    assert seen[0, 0] == 0
