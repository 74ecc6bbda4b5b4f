"""What a wire's path that leads to no compartment was meant to be."""

from collections.abc import Mapping

from ngcmem.circuits.hyperparameters import hyperparameters
from ngcmem.circuits.wires import Wire
from ngcmem.core import Compartment, Component, Role, did_you_mean


def no_compartment(
    component: Component, path: str, specs: Mapping[str, Compartment], line: Wire
) -> str:
    """The text for a wire's path that names no compartment of this component."""
    name, _, inner = path.partition(".")
    if not inner:
        ends_here = path == line.target
        fit = [k for k, spec in specs.items() if spec.role is _usual(ends_here)] or [*specs]
        usual = next((k for k in ("outputs", "spikes") if k in fit), fit[0])
        return f"{path!r} is a component. Name one of its compartments, such as '{name}.{usual}'."
    if inner in hyperparameters(component):
        return (
            f"{path!r} is a hyper-parameter, which no wire reaches. To change it write "
            f"nm.with_parameters(circuit, {{{path!r}: value}})."
        )
    known = (f"{name}.{known}" for known in specs)
    return f"no compartment {path!r}.{did_you_mean(path, known)}"


def _usual(target: bool) -> Role:
    return Role.INPUT if target else Role.PER_EXAMPLE
