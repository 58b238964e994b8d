"""Lines break where they may, and words that do not fit shrink, then wrap, then end with an ellipsis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.screen.text import NO_LINE_START, SHRINK_TO, family, fit, measurer, wrap
from kiosk.screen.theme import theme

pytestmark = pytest.mark.unit


def square(text: str, size: float) -> float:
    """Every character as wide as it is high: easy to reckon with."""
    return len(text) * size


def test_text_that_fits_keeps_its_size() -> None:
    assert fit("请取号", 120, 40, square).size == 40


def test_text_that_is_a_little_too_long_shrinks_and_stays_on_one_line() -> None:
    fitted = fit("请取号办理业务", 250, 40, square)
    assert fitted.lines == ("请取号办理业务",)
    assert 40 * SHRINK_TO <= fitted.size < 40
    assert not fitted.cut


def test_text_that_is_much_too_long_ends_with_an_ellipsis_within_its_width() -> None:
    fitted = fit("请取号办理业务然后坐一会儿等我喊您", 250, 40, square)
    assert fitted.cut
    assert fitted.lines[-1].endswith("…")
    assert square(fitted.lines[0], fitted.size) <= 250


def test_height_limits_the_lines_and_smaller_letters_make_more_of_them() -> None:
    fitted = fit("请取号办理业务然后坐一会儿", 250, 40, square, max_lines=9, height=120)
    assert len(fitted.lines) * 1.4 * fitted.size <= 120
    assert not fitted.cut


def test_no_line_begins_with_a_full_stop_and_latin_words_stay_whole() -> None:
    rows = wrap("我们在这里等您。Please come back", 7 * 40, 40, square)
    assert all(row[0] not in NO_LINE_START for row in rows)
    assert any("Please" in row for row in rows)


@given(st.text(alphabet="您好，。Wi ab\n", max_size=60), st.integers(60, 600), st.integers(1, 4))
def test_fitted_text_never_runs_over_its_box(text: str, width: int, lines: int) -> None:
    measure = measurer(family(theme("light").family).found, True)
    fitted = fit(text, width, 48, measure, max_lines=lines)
    assert 1 <= len(fitted.lines) <= lines
    for row in fitted.lines:
        assert measure(row, fitted.size) <= width + 0.5 or len(row) == 1
    if not fitted.cut:
        assert "".join(fitted.lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")


def test_a_font_that_is_missing_is_replaced_by_one_with_chinese_characters() -> None:
    used = family("No Such Family At All")
    assert used.found != used.wanted
    assert measurer(used.found, False)("您", 40) > 20
