"""Every mistake gets an error that names the place and the fix, word for word."""

import pytest

from tests.core.mistakes import MISTAKES, Mistake


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_error_text(mistake: Mistake) -> None:
    with pytest.raises(mistake.error) as caught:
        mistake.make()
    assert type(caught.value) is mistake.error
    assert str(caught.value) == mistake.text
