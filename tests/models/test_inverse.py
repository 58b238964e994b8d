"""Spoken numbers as they are read best, and everything that is no number as it was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.inverse import grouped, quantity, written

pytestmark = pytest.mark.unit

ZH = [
    # amounts
    ("我想取两万五", "我想取2.5万"),
    ("取两万块钱", "取2万块钱"),
    ("存五千元", "存5000元"),
    ("一千二", "1200"),
    ("三百五十块", "350块"),
    ("一百零五块钱", "105块钱"),
    ("十二万三千四百五十六元", "123,456元"),
    ("两百万", "200万"),
    ("一亿两千万", "1.2亿"),
    ("一万零五百", "1.05万"),
    ("八千多", "8000多"),
    ("两点五万", "2.5万"),
    ("十块钱", "10块钱"),
    ("三块五", "3.5元"),
    ("取20000块", "取2万块"),
    ("转125,000元", "转12.5万元"),
    ("取5000块", "取5000块"),
    # percent
    ("百分之三点五", "3.5%"),
    ("百分之十", "10%"),
    ("百分之零点三五", "0.35%"),
    ("涨了百分之五", "涨了5%"),
    # dates
    ("三月五号", "3月5号"),
    ("十二月二十三日", "12月23日"),
    ("二零二四年三月五号", "2024年3月5号"),
    ("一九八五年", "1985年"),
    # times
    ("三点半关门吗", "3:30关门吗"),
    ("下午三点一刻", "下午3:15"),
    ("十点四十五分", "10:45"),
    ("上午九点零五分", "上午9:05"),
    ("九点开门", "9点开门"),
    ("下午一点", "下午1点"),
    ("一点半", "1:30"),
    ("十二点钟", "12点钟"),
    ("八点三十", "8:30"),
    # figures one by one
    ("我的手机号是幺三八零零一三八零零零", "我的手机号是138 0013 8000"),
    ("手机号一三八 零零一三 八零零零", "手机号138 0013 8000"),
    ("手机13800138000", "手机138 0013 8000"),
    ("尾号六二零八", "尾号6208"),
    ("尾号是六二 零八", "尾号是6208"),
    ("卡号六二二二零二一二三四五六七八九零", "卡号6222 0212 3456 7890"),
    ("验证码三七零五二一", "验证码370521"),
    ("A零三七", "A037"),
    ("打九五零零零", "打95000"),
    # counters and counts
    ("三号窗口", "3号窗口"),
    ("十二号柜台", "12号柜台"),
    ("第十二个", "第12个"),
    ("十五分钟", "15分钟"),
    ("三十天", "30天"),
    # what stays
    ("我要一张卡", "我要一张卡"),
    ("等一下", "等一下"),
    ("慢一点", "慢一点"),
    ("有一点贵", "有一点贵"),
    ("万一丢了呢", "万一丢了呢"),
    ("十分感谢", "十分感谢"),
    ("千万别转", "千万别转"),
    ("十几块钱", "十几块钱"),
    ("几万块", "几万块"),
    ("两三百块", "两三百块"),
    ("三四个人", "三四个人"),
    ("三个月定期", "三个月定期"),
    ("星期三", "星期三"),
    ("第三个", "第三个"),
    ("我想取钱", "我想取钱"),
    ("", ""),
]
EN = [
    ("I want to withdraw twenty thousand yuan", "I want to withdraw 20,000 yuan"),
    ("two hundred and fifty dollars", "250 dollars"),
    ("a thousand yuan please", "1,000 yuan please"),
    ("half a million", "half a million"),
    ("twenty-five people", "25 people"),
    ("one hundred and five", "105"),
    ("My number is one three eight double zero one three eight triple zero", "My number is 138 0013 8000"),
    ("ending in six two zero eight", "ending in 6208"),
    ("room one oh two", "room 102"),
    ("card 6222 0212 3456 7890", "card 6222 0212 3456 7890"),
    ("three point five percent", "3.5%"),
    ("ten percent", "10%"),
    ("zero point three five", "0.35"),
    ("at half past three", "at 3:30"),
    ("a quarter to one", "12:45"),
    ("quarter past ten", "10:15"),
    ("ten thirty am", "10:30 am"),
    ("three pm", "3 pm"),
    ("at nine forty-five", "at 9:45"),
    ("at nine oh five", "at 9:05"),
    ("the fifth of march", "5 March"),
    ("on December twenty-third", "on December 23"),
    ("May I ask one thing", "May I ask one thing"),
    ("one moment please", "one moment please"),
    ("it is one of them", "it is one of them"),
    ("one or two days", "one or two days"),
    ("window three", "window three"),
    ("someone often", "someone often"),
]


@pytest.mark.parametrize(("said", "read"), ZH)
def test_mandarin_is_written_as_it_is_read(said: str, read: str) -> None:
    assert written(said, "zh") == read


@pytest.mark.parametrize(("said", "read"), EN)
def test_english_is_written_as_it_is_read(said: str, read: str) -> None:
    assert written(said, "en") == read


def test_there_are_at_least_sixty_cases() -> None:
    assert len({said for said, _ in ZH + EN}) >= 60


@pytest.mark.parametrize(("said", "read"), ZH + EN)
def test_writing_twice_changes_nothing(said: str, read: str) -> None:
    assert written(read, "zh" if (said, read) in ZH else "en") == read


@given(st.text(max_size=500), st.sampled_from(["zh", "en"]))
def test_any_text_is_accepted(text: str, language: str) -> None:
    written(text, language)


@given(st.text(alphabet="零一二两三四五六七八九十百千万亿点半号月日块元分年第幺几", max_size=30))
def test_any_heap_of_numerals_is_accepted(text: str) -> None:
    written(text, "zh")


def test_quantities_and_groups() -> None:
    assert [quantity(n) for n in (9999, 10000, 10001, 123456789)] == ["9999", "1万", "10,001", "123,456,789"]
    assert grouped("13800138000") == "138 0013 8000" and grouped("370521") == "370521"
