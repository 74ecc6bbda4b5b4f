"""Records of `nm.run` as a labelled dataset (xarray)."""

import inspect
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import jax
import numpy as np

from ngcmem.circuits import hyperparameters, split
from ngcmem.core import AnyState, Component, check_whole, compartment_of, did_you_mean
from ngcmem.drivers.arguments import checked
from ngcmem.drivers.verbs import init

UNITS = r"\b(mV|ms|Hz|nS|pS|pA|nA|uA/cm2|mS/cm2|uF/cm2|pF|Mohm|1/ms)\b"


def to_xarray(
    records: Mapping[str, Any],
    component: Component,
    *,
    dt: float = 1.0,
    record_every: int = 1,
    t: float = 0.0,
) -> Any:
    """The records of `nm.run` as an `xarray.Dataset`, for netCDF, zarr, selection by name, plots.

        seen = nm.run(circuit, state, steps=200, dt=0.5, record=("cell.v", "cell.spikes"))[1]
        data = nm.to_xarray(seen, circuit, dt=0.5)
        data["cell.v"].sel(time=slice(10, 20)).mean("example")

    Every record is a variable with the axes (time, example, its own), named as the compartment
    declares them after the component they belong to, "cell.units"; a Shared compartment has no
    `example`. `time` is in ms, at the end of each step recorded. A variable's attributes are the
    unit and description of the compartment, where its class says them; the dataset's are every
    hyper-parameter by path ("cell.tau"), dt, and the version of ngcmem.

    Args:
        records: what `nm.run` returned second.
        component: the component or circuit that ran.
        dt: the step of the run, ms.
        record_every: of the run.
        t: when the run began, ms.

    Raises:
        ImportError: xarray is not installed.
        ValueError: records that are not the component's, or of different lengths.
    """
    try:
        import xarray
    except ImportError as error:
        raise ImportError('to_xarray needs xarray: pip install "ngcmem[xarray]".') from error
    component = checked(component)
    every = check_whole("to_xarray: record_every", record_every)
    state = jax.eval_shape(lambda key: init(component, key), jax.random.key(0))
    variables: dict[str, Any] = {}
    lengths = set()
    for path, values in records.items():
        for name, array in _arrays(path, values):
            lengths.add(np.shape(array)[0])
            variables[name] = _variable(xarray, component, state, name, array)
    if len(lengths) > 1:
        raise ValueError(
            f"to_xarray: the records are of one run, but have {sorted(lengths)} times. Make a "
            f"dataset of each run."
        )
    count = lengths.pop() if lengths else 0
    times = t + dt * every * np.arange(1, count + 1)
    coordinate = xarray.Variable("time", times, {"units": "ms", "long_name": "time"})
    version = sys.modules["ngcmem"].__version__
    attributes = {"ngcmem_version": version, "dt": float(dt)} | {
        path: _plain(value) for path, value in hyperparameters(component).items()
    }
    return xarray.Dataset(variables, coords={"time": coordinate}, attrs=attributes)


def _arrays(path: str, values: Any) -> list[tuple[str, Any]]:
    """The arrays of a record by path: a compartment with fields has several."""
    if not isinstance(values, Mapping):
        return [(path, values)]
    return [pair for field, one in values.items() for pair in _arrays(f"{path}.{field}", one)]


def _variable(xarray: Any, component: Component, state: AnyState, name: str, array: Any) -> Any:
    array = np.asarray(array)
    specs = state.specs()
    name, where = split(name)
    owner, _, last = name.rpartition(".")
    attributes: dict[str, str] = {}
    if last == "weight_changes" or ".weight_changes." in f".{name}.":
        axes, batched = (), False
    else:
        found = compartment_of(name, specs)
        if found is None:
            raise ValueError(
                f"to_xarray: {name!r} is no compartment of {type(component).__name__}."
                + did_you_mean(name, specs)
            )
        axes, batched = specs[found].axes, specs[found].role.batched
        owner, _, last = found.rpartition(".")
        attributes = _described(component, owner, last)
        owner = owner if found == name else name  # the fields of a compartment differ in size
    lead = ("time", "example") if batched else ("time",)
    own = array.ndim - len(lead)
    names = axes if len(axes) == own else tuple(f"{last}_{i}" for i in range(own))
    if where and own:  # a part is no axis of the whole
        names = tuple(f"{axis}_of_{last}" if len(axes) == own else axis for axis in names)
    prefix = f"{owner}." if owner else ""
    rest = [
        f"{prefix}{axis}" if axis.isidentifier() else f"{prefix}{last}_{axis}" for axis in names
    ]
    if len(set(rest)) < len(rest):  # weights between units of one name
        rest = [f"{axis}_{i}" for i, axis in enumerate(rest)]
    return xarray.Variable((*lead, *rest), array, attributes)


def _described(component: Component, owner: str, name: str) -> dict[str, str]:
    """Unit and description of a compartment, from the line that declares it."""
    try:
        text = _comments(type(component[owner])).get(name, "")
    except ValueError:  # a path inside a component that has no parts of that name
        text = ""
    unit = re.search(UNITS, text)
    found = {"long_name": text} if text else {}
    return found | ({"units": unit.group()} if unit else {})


@cache
def _comments(kind: type[Component]) -> dict[str, str]:
    """What stands behind the compartments of a component's state, by name."""
    state = inspect.signature(kind.init).return_annotation
    if not inspect.isclass(state):
        return {}
    comments: dict[str, str] = {}
    for owner in reversed(state.__mro__):
        if issubclass(owner, AnyState):
            try:
                source = inspect.getsource(owner)
            except (OSError, TypeError):  # typed in, not read from a file
                continue
            comments |= re.findall(r"^    (\w+): .*?  # (.*)$", source, re.MULTILINE)
    return comments


def _plain(value: Any) -> Any:
    """A number, or a list of them, that every file format takes."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array.ravel().tolist()
