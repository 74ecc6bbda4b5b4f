"""Every mistake gets an error that names the place and the fix, word for word."""

import jax
import pytest

from tests.core import (
    author_mistakes,
    constructor_mistakes,
    memory_mistakes,
    state_mistakes,
    wiring_mistakes,
)
from tests.core.mistakes import Mistake

TABLES = (
    author_mistakes,
    constructor_mistakes,
    wiring_mistakes,
    state_mistakes,
    memory_mistakes,
)
MISTAKES = [mistake for table in TABLES for mistake in table.MISTAKES]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_error_text(mistake: Mistake) -> None:
    # As users have jax set up: otherwise jax's own error comes first where ranks differ.
    with jax.numpy_rank_promotion("allow"), pytest.raises(mistake.error) as caught:
        mistake.make()
    assert type(caught.value) is mistake.error
    assert str(caught.value) == mistake.text
