"""Every mistake gets an error that names the place and the fix, word for word."""

import pytest

from tests.core import memory_mistakes, state_mistakes, wiring_mistakes
from tests.core.mistakes import Mistake

MISTAKES = wiring_mistakes.MISTAKES + state_mistakes.MISTAKES + memory_mistakes.MISTAKES


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_error_text(mistake: Mistake) -> None:
    with pytest.raises(mistake.error) as caught:
        mistake.make()
    assert type(caught.value) is mistake.error
    assert str(caught.value) == mistake.text
