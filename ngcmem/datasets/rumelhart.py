"""Facts about plants and animals: the patterns of Rumelhart's semantic network.

Eight items and a new one, four relations, 36 attributes, after McClelland, McNaughton and O'Reilly
(1995), Psychological Review 102:419, and Rumelhart and Todd (1993). Details differ between
sources; here pine and oak are not tall, robins do not sing, and names are attributes.
"""

import numpy as np

ITEMS = ("pine", "oak", "rose", "daisy", "robin", "canary", "sunfish", "salmon")
NEW_ITEM = "penguin"
RELATIONS = ("isa", "is", "can", "has")

_PLANT = dict(isa="living_thing plant", can="grow")
_BIRD = dict(isa="living_thing animal bird", can="grow move", has="skin wings feathers")
_FISH = dict(isa="living_thing animal fish", can="grow move swim", has="skin scales gills")


def _more(kind: dict[str, str], **extra: str) -> dict[str, str]:
    return {name: f"{kind.get(name, '')} {extra.get(name, '')}".strip() for name in RELATIONS}


FACTS: dict[str, dict[str, str]] = {
    "pine": _more(_PLANT, isa="tree pine", **{"is": "living big green"}, has="roots bark"),
    "oak": _more(_PLANT, isa="tree oak", **{"is": "living big"}, has="roots bark leaves"),
    "rose": _more(
        _PLANT, isa="flower rose", **{"is": "living pretty red"}, has="roots leaves petals"
    ),
    "daisy": _more(
        _PLANT, isa="flower daisy", **{"is": "living pretty yellow"}, has="roots leaves petals"
    ),
    "robin": _more(_BIRD, isa="robin", **{"is": "living red"}, can="fly"),
    "canary": _more(_BIRD, isa="canary", **{"is": "living yellow"}, can="fly sing"),
    "sunfish": _more(_FISH, isa="sunfish", **{"is": "living yellow"}),
    "salmon": _more(_FISH, isa="salmon", **{"is": "living red"}),
    "penguin": _more(_BIRD, isa="penguin", **{"is": "living"}, can="swim"),
}
"""What is true of every item, by relation; attributes separated by spaces."""

ATTRIBUTES = (
    *"living_thing plant animal tree flower bird fish".split(),
    *ITEMS,
    NEW_ITEM,
    *"living big pretty green red yellow grow move swim fly sing".split(),
    *"roots bark leaves petals skin wings feathers scales gills".split(),
)


def rumelhart_patterns(
    items: tuple[str, ...] = ITEMS, relations: tuple[str, ...] = RELATIONS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One pattern for every item and relation, items outermost.

    Returns:
        Items (n, 9) and relations (n, 4) as one-hot rows (the new item is the last of the nine),
        and attributes (n, 36), 1 where true; float32.
    """
    names = (*ITEMS, NEW_ITEM)
    pairs = [(item, relation) for item in items for relation in relations]
    rows = [
        (
            np.eye(len(names))[names.index(item)],
            np.eye(len(RELATIONS))[RELATIONS.index(relation)],
            [name in FACTS[item][relation].split() for name in ATTRIBUTES],
        )
        for item, relation in pairs
    ]
    return tuple(np.array(column, np.float32) for column in zip(*rows, strict=True))  # pyright: ignore
