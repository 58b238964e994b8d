"""What may be said against a document that was held up: stable codes, with words for tellers in both languages."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, tuple[str, str]]] = {
    "number_check_digit": ("证件号码不对", "the number does not add up"),
    "number_born": ("出生日期和号码对不上", "date of birth and number differ"),
    "number_sex": ("性别和号码对不上", "sex and number differ"),
    "number_region": ("号码里的地区不存在", "the number's region does not exist"),
    "expired": ("证件过期了", "it has expired"),
    "not_yet": ("证件还没到生效日期", "it is not valid yet"),
    "span": ("有效期限不合规定", "its validity has a length that is not issued"),
    "card_check_digit": ("卡号不对", "the card's number does not add up"),
    "mrz_check_digit": ("机读码不对", "the machine-readable lines do not add up"),
    "mrz_differs": ("机读码和正面对不上", "the machine-readable lines and the page differ"),
    "black_and_white": ("像是黑白复印件", "it looks like a black-and-white copy"),
    "screen": ("像是手机或屏幕上的照片", "it looks like a picture on a screen"),
    "print": ("像是打印的", "it looks printed"),
    "corners": ("四角是方的，像是剪下来的", "its corners are square, as if it was cut out"),
    "portrait": ("照片像是贴上去的", "the portrait looks pasted on"),
    "untilted": ("没有斜着看到", "it was not tilted far enough"),
    "no_mark": ("斜着看，防伪图案没有变色", "nothing on it changed colour as it was tilted"),
    "no_mark_side": ("这一面没有会变色的图案", "this side has nothing that changes colour"),
}
"""Code → Mandarin, English. What none of them says of anybody: that they meant to deceive."""
OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "accepted": ("看清了，没有疑问", "read, nothing against it"),
    "refused": ("有矛盾", "it contradicts itself"),
    "suspected": ("可能是复印件或改过", "maybe a copy, or altered"),
    "unsure": ("没有全部看清", "not everything could be read"),
}
KINDS: Final[dict[str, tuple[str, str]]] = {
    "id_front": ("身份证正面", "ID card, front"),
    "id_back": ("身份证反面", "ID card, back"),
    "passport": ("护照", "passport"),
    "bank_card": ("银行卡", "bank card"),
}
