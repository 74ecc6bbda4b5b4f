"""Records of which some are measures."""

from collections.abc import Mapping
from typing import Any

from ngcmem.drivers._loop import Stacked
from ngcmem.drivers.measures import Measure


class Measured(Stacked):
    """Records of which some are measures."""

    def __init__(self, measures: Mapping[str, Measure]):
        self.measures = measures

    def begin(self, seen: Any, count: int) -> Any:
        stacked = super().begin(self._others(seen), count)
        return stacked, {k: one.begin(seen[k], count) for k, one in self.measures.items()}

    def added(self, records: Any, seen: Any, place: Any) -> Any:
        stacked, kept = records
        others = super().added(stacked, self._others(seen), place)
        return others, {k: m.added(kept[k], seen[k], place) for k, m in self.measures.items()}

    def end(self, records: Any, seen: Any, count: int) -> Any:
        stacked, kept = records
        return stacked | {k: m.end(kept[k], seen[k], count) for k, m in self.measures.items()}

    def _others(self, seen: dict[str, Any]) -> dict[str, Any]:
        return {name: one for name, one in seen.items() if name not in self.measures}
