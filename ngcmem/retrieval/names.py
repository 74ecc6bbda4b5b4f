"""Similarities and separations by name: `"dot"` for `Dot()`."""

import difflib
from collections.abc import Callable, Mapping
from typing import TypeVar

from ngcmem.retrieval.separation import (
    Identity,
    LogSumRelu,
    Power,
    Relu,
    Separation,
    Softmax,
    Threshold,
)
from ngcmem.retrieval.similarity import Cosine, Dot, Euclidean, Hamming, Manhattan, Similarity
from ngcmem.retrieval.sparse import Entmax, Max, Sparsemax, TopK

Named = TypeVar("Named", Similarity, Separation)

SIMILARITIES: Mapping[str, Callable[[], Similarity]] = {
    "dot": Dot,
    "cosine": Cosine,
    "euclidean": Euclidean,
    "manhattan": Manhattan,
    "hamming": Hamming,
}

SEPARATIONS: Mapping[str, Callable[[], Separation]] = {
    "identity": Identity,
    "softmax": Softmax,
    "relu": Relu,
    "power": Power,
    "max": Max,
    "sparsemax": Sparsemax,
    "entmax": Entmax,
    "log_sum_relu": LogSumRelu,
}

_NEED_A_NUMBER = {"threshold": Threshold, "top_k": TopK}
_EXAMPLES = {"threshold": "Threshold(threshold=0.5)", "top_k": "TopK(k=8)"}


def resolve_similarity(similarity: str | Similarity) -> Similarity:
    """The instance itself, or the similarity of that name with its default hyper-parameters.

    Raises ValueError for an unknown name, with the nearest and all valid ones.
    """
    return _resolve(similarity, Similarity, SIMILARITIES, "similarity")


def resolve_separation(separation: str | Separation) -> Separation:
    """The instance itself, or the separation of that name with its default hyper-parameters.

    Raises ValueError for an unknown name, with the nearest and all valid ones, and for a name
    whose separation has a hyper-parameter without default.
    """
    if isinstance(separation, str) and separation in _NEED_A_NUMBER:
        raise ValueError(
            f"separation={separation!r} needs a number: pass an instance, "
            f"separation={_EXAMPLES[separation]}."
        )
    return _resolve(separation, Separation, SEPARATIONS, "separation")


def _resolve(
    given: str | Named, kind: type[Named], known: Mapping[str, Callable[[], Named]], what: str
) -> Named:
    if isinstance(given, kind):
        return given
    if isinstance(given, str) and given in known:
        return known[given]()
    names = ", ".join(repr(name) for name in known)
    if isinstance(given, type):
        name = getattr(given, "__name__", "")
        raise ValueError(f"{what}={name} is a class: pass an instance, {what}={name}(...).")
    if not isinstance(given, str):
        raise ValueError(
            f"{what}={given!r} is neither a {kind.__name__} instance nor a name; names: {names}."
        )
    close = difflib.get_close_matches(given.lower(), [*known, *_extra(what)], n=2, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise ValueError(f"Unknown {what} {given!r}.{hint} Names: {names}.")


def _extra(what: str) -> tuple[str, ...]:
    return tuple(_NEED_A_NUMBER) if what == "separation" else ()
