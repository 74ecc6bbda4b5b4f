"""The folders are the public API: every name has one path, and the start page shows it."""

import importlib
import inspect
import pkgutil
import pydoc
import re
import subprocess
import sys
from collections import defaultdict
from types import ModuleType

import pytest

import ngcmem as nm

FOLDERS = {
    info.name: importlib.import_module(f"ngcmem.{info.name}")
    for info in pkgutil.iter_modules(nm.__path__)
}


def _public(module: ModuleType) -> dict[str, object]:
    return {
        name: getattr(module, name)
        for name in dir(module)
        if not name.startswith("_") and not inspect.ismodule(getattr(module, name))
    }


def test_every_folder_and_nothing_else_stands_at_the_top() -> None:
    assert all(hasattr(folder, "__path__") for folder in FOLDERS.values())
    modules = {name for name in dir(nm) if inspect.ismodule(getattr(nm, name))}
    assert modules == set(FOLDERS)


def test_every_public_class_and_function_is_exported_by_exactly_one_folder() -> None:
    exported = defaultdict(set)
    for folder, module in FOLDERS.items():
        for name, value in _public(module).items():
            exported[name].add(folder)
            home = getattr(value, "__module__", f"ngcmem.{folder}")
            where = home.split(".")
            assert where[:2] == ["ngcmem", folder] or where[0] != "ngcmem", f"{folder}.{name}"
    twice = {name: folders for name, folders in exported.items() if len(folders) > 1}
    assert not twice
    for info in pkgutil.walk_packages(nm.__path__, "ngcmem."):
        parts = info.name.split(".")
        if any(part.startswith("_") for part in parts):
            continue  # the folder's own business
        for name, value in _public(importlib.import_module(info.name)).items():
            if getattr(value, "__module__", "") == info.name and callable(value):
                assert exported.get(name) == {parts[1]}, f"{info.name}.{name} is not exported"


def test_the_top_level_has_verbs_declarations_wiring_errors_and_components() -> None:
    bases = (nm.Component, nm.Memory)
    others = []
    for name in dir(nm):
        value = getattr(nm, name)
        component = inspect.isclass(value) and issubclass(value, nm.Component)
        if inspect.ismodule(value) or (component and value not in bases):
            continue
        others.append(name)
    assert len(others) <= 65
    components = {
        name
        for folder in ("cells", "synapses", "memories", "circuits")
        for name, value in _public(FOLDERS[folder]).items()
        if inspect.isclass(value)
        and issubclass(value, nm.Component)
        and not inspect.isabstract(value)
        and value.init is not nm.Component.init
    }
    assert components <= set(dir(nm))
    for name, value in _public(nm).items():
        found = [folder for folder, module in FOLDERS.items() if name in _public(module)]
        assert len(found) == 1 and getattr(FOLDERS[found[0]], name) is value, name


def test_help_shows_every_name_on_a_page() -> None:
    words = set((nm.__doc__ or "").replace(",", " ").split())
    missing = [name for name in dir(nm) if not name.startswith("_") and name not in words]
    assert [name for name in missing if f"nm.{name}" not in words] == []
    assert len(pydoc.plain(pydoc.render_doc(nm)).splitlines()) < 160


def _alike(one: str, other: str) -> bool:
    """Whether two names differ by case, underscores, or at most one letter."""
    a, b = (name.lower().replace("_", "") for name in (one, other))
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    start = next((i for i in range(len(a)) if a[i] != b[i]), len(a))
    return a[start:] == b[start + 1 :] or a[start + 1 :] == b[start + 1 :]


SAME_THING = (
    {"Part", "part"},  # the class behind the function
    {"Wire", "wire"},
    {"Real", "read"},  # a domain and a verb: of different kinds, in different places
    {"MAP", "Max"},  # multiply, add, permute: the field's name; a separation
    {"FHRR", "HRR"},  # as the field calls them: the one is the other's Fourier form
)


def test_no_two_names_differ_by_a_letter() -> None:
    names = sorted({name for module in FOLDERS.values() for name in _public(module)})
    close = [
        (a, b)
        for i, a in enumerate(names)
        for b in names[i + 1 :]
        if _alike(a, b) and {a, b} not in SAME_THING
    ]
    assert close == []


def test_import_loads_no_optional_dependency() -> None:
    optional = "('matplotlib', 'flax', 'sklearn')"
    line = f"import sys, ngcmem; print([m for m in {optional} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", line], text=True).strip() == "[]"


def test_a_missing_name_says_where_it_is() -> None:
    for name, hint in (("Softmax", "Write nm.retrieval.Softmax."), ("Hopfeild", "'Hopfield'")):
        with pytest.raises(AttributeError, match=re.escape(hint)):
            getattr(nm, name)
