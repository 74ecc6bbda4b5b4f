"""`check_choice`: the text of a wrong choice."""

import pytest

from ngcmem.core import check_choice


def test_a_choice_that_exists_passes_and_others_are_told_what_there_is():
    check_choice("Cell", "scheme", "exact", ("exact", "euler"))
    with pytest.raises(
        ValueError,
        match=r"^Cell: scheme is one of 'exact', 'euler', got 'exct'\. Did you mean 'exact'\?$",
    ):
        check_choice("Cell", "scheme", "exct", ("exact", "euler"))
    with pytest.raises(ValueError, match=r"got 3\.$"):
        check_choice("Cell", "scheme", 3, ("exact", "euler"))
