"""Sizes of hidden layers: a tuple, or one whole number for one layer."""

from ngcmem.core import is_whole

LayerSizes = int | tuple[int, ...]


def as_layers(owner: str, name: str, given: LayerSizes) -> tuple[int, ...]:
    """The sizes of the layers, lowest first.

    Raises:
        ValueError: something else than whole numbers of at least 1.
    """
    layers = given if isinstance(given, tuple) else (given,)
    if not layers or not all(map(is_whole, layers)):
        raise ValueError(
            f"{owner}: {name} is a tuple of layer sizes, lowest first, such as {name}=(128, 64), "
            f"or the size of one layer, got {given!r}."
        )
    return tuple(map(int, layers))
