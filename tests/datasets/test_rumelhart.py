"""The facts about plants and animals."""

import numpy as np

from ngcmem.datasets import rumelhart_patterns
from ngcmem.datasets.rumelhart import ATTRIBUTES, FACTS, NEW_ITEM


def test_shapes_and_what_is_in_them() -> None:
    items, relations, attributes = rumelhart_patterns()
    assert items.shape == (32, 9) and relations.shape == (32, 4) and attributes.shape == (32, 36)
    assert not items[:, -1].any() and len(set(ATTRIBUTES)) == 36
    stated = sum(len(facts.split()) for item in list(FACTS)[:8] for facts in FACTS[item].values())
    assert attributes.sum() == stated == 91
    can = rumelhart_patterns((NEW_ITEM,), ("can",))[2][0]
    assert [name for name, yes in zip(ATTRIBUTES, can, strict=True) if yes] == [
        "grow", "move", "swim",
    ]  # fmt: skip


def test_everything_is_alive_and_grows() -> None:
    for facts in FACTS.values():
        assert "living_thing" in facts["isa"].split() and "grow" in facts["can"].split()
    assert np.unique(np.concatenate(rumelhart_patterns()[:2], axis=1)).tolist() == [0.0, 1.0]
