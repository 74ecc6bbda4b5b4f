"""Records as a labelled dataset, and back from a file."""

import builtins
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import ngcmem as nm

CIRCUIT = nm.connect(
    dict(synapse=nm.Dense(inputs=3, outputs=2), cell=nm.LIF(units=2, tau=12.0)),
    [nm.wire("synapse.outputs", to="cell.current")],
)
PATHS = ("cell.v", "cell.spikes", "synapse.weights")


def _seen(component: Any = CIRCUIT, record: Any = PATHS, **options: Any) -> Any:
    state = nm.init(component, jax.random.key(0), batch=4)
    return nm.run(component, state, steps=6, dt=0.5, record=record, **options)[1]


def test_axes_times_and_attributes() -> None:
    pytest.importorskip("xarray")
    seen = _seen(record_every=2)
    data = nm.to_xarray(seen, CIRCUIT, dt=0.5, record_every=2, t=10.0)
    assert data["cell.v"].dims == ("time", "example", "cell.units")
    assert data["cell.spikes"].dims == ("time", "example", "cell.units")
    assert data["synapse.weights"].dims == ("time", "synapse.inputs", "synapse.outputs")
    np.testing.assert_array_equal(data["cell.v"], seen["cell.v"])
    np.testing.assert_array_equal(data["time"], [11.0, 12.0, 13.0])
    assert data["time"].attrs["units"] == "ms" and data["cell.v"].attrs["units"] == "mV"
    assert data.attrs["cell.tau"] == 12.0 and data.attrs["dt"] == 0.5
    assert data.attrs["ngcmem_version"] == nm.__version__
    assert data["cell.v"].sel(time=slice(11.5, 20)).shape == (2, 4, 2)


def test_a_bare_component_fields_populations_and_weight_changes() -> None:
    pytest.importorskip("xarray")
    cell = nm.LIF(units=2)
    assert nm.to_xarray(_seen(cell, "v"), cell)["v"].dims == ("time", "example", "units")
    several = nm.Population(member=cell, count=3)
    data = nm.to_xarray(_seen(several, "v"), several)
    assert data["v"].dims == ("time", "example", "members", "units")
    memory = nm.Episodic(slots=4, keys={"place": 2, "time": 3}, values=2)
    data = nm.to_xarray(_seen(memory, ("inputs", "outputs")), memory)
    assert data["inputs.place"].shape == (6, 4, 2) and data["inputs.time"].shape == (6, 4, 3)
    rule = nm.Hebbian(inputs=3, outputs=2)
    data = nm.to_xarray(_seen(rule, "weight_changes"), rule)
    assert data["weight_changes"].shape == (6, 3, 2)


def test_a_file_brings_everything_back(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    data = nm.to_xarray(_seen(), CIRCUIT, dt=0.5)
    data.to_netcdf(tmp_path / "run.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "run.nc", engine="scipy") as again:
        xarray.testing.assert_identical(again.load().astype("float32"), data.astype("float32"))


def test_mistakes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xarray")
    seen = _seen()
    with pytest.raises(
        ValueError, match=r"'cell.v' is no compartment of LIF. There is: current, .*, v,"
    ):
        nm.to_xarray({"cell.v": seen["cell.v"]}, nm.LIF(units=2))
    with pytest.raises(ValueError, match=r"have \[3, 6\] times"):
        nm.to_xarray({"cell.v": seen["cell.v"], "cell.spikes": seen["cell.spikes"][:3]}, CIRCUIT)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "xarray":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "ngcmem\[xarray\]"'):
        nm.to_xarray(seen, CIRCUIT)
