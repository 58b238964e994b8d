"""How well the scrubber takes out what names somebody, and how much else it takes: a file by hand, and made sentences.

The file (`bench/data/scrub.tsv`) has two halves: rules were made looking at `dev`; `test` is what is reported apart.
Made sentences put values that nobody looked at (drawn by a seed) into the ways in which people say them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kiosk.opinion.scrub import scrub

FILE: Final = Path(__file__).parent / "data" / "scrub.tsv"
SEED: Final = 20_26
MADE: Final = 4_000
SHOWN: Final = 12
_ZH_DIGITS: Final = "零一二三四五六七八九"
_EN_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_GIVEN: Final = "桐霖茜祺澜岚骏睿彤妍蔓宸峻颖莹琪晗逸舟帆楠栋梁杰豪凯鑫磊勇超艳敏霞娟秀兰玉珍凤"
_FAMILY: Final = (
    "王李张刘陈杨赵吴周徐孙朱胡郭何林罗郑谢宋韩冯邓曹彭曾董袁潘蒋蔡余杜程魏吕丁沈姚卢"
    "姜崔钟谭陆范廖贾韦傅邹孟熊秦邱尹薛阎侯黎贺顾郝龚邵"
)
_EN_FAMILY: Final = ("Whitcombe", "Nakagawa", "Brandt", "Castellanos", "Oyelaran", "Thistlewood", "Moreau", "Ivanova")
_EN_GIVEN: Final = ("Marcus", "Elena", "Tobias", "Imogen", "Rashid", "Beatrix", "Conrad", "Yuki")
_STREETS: Final = ("凤起", "武林", "莫干山", "天目山", "曙光", "朝晖", "学院", "望江")
_EN_STREETS: Final = ("Cedar", "Orchard", "Harbour", "Mill", "Lantern", "Willow")


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence. `secrets`: none of them may be left; none at all: it has to stay as it is."""

    half: str
    language: str
    kind: str
    text: str
    secrets: tuple[str, ...]


def load(path: Path = FILE) -> list[Line]:
    """Raises ValueError naming file and line."""
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 5 or cells[0] not in ("dev", "test") or cells[1] not in ("zh", "en"):
            raise ValueError(f"{path}:{number}: want dev|test, zh|en, kind, sentence, secrets or -")
        secrets = () if cells[4] == "-" else tuple(cells[4].split("|"))
        if any(secret not in cells[3] for secret in secrets):
            raise ValueError(f"{path}:{number}: a secret that is not in the sentence")
        rows.append(Line(cells[0], cells[1], cells[2], cells[3], secrets))
    return rows


def made(count: int = MADE, seed: int = SEED) -> list[Line]:
    """Sentences with drawn values."""
    chance = random.Random(seed)
    return [chance.choice(_MAKERS)(chance) for _ in range(count)]


def judge(lines: Sequence[Line]) -> dict[str, Any]:
    """`leaked`: secrets that were left; `over_scrubbed`: sentences without one that lost something, and their share."""
    leaked: Counter[str] = Counter()
    leaks, over = [], []
    secrets = kept = 0
    for line in lines:
        clean = scrub(line.text).text
        secrets += len(line.secrets)
        for secret in line.secrets:
            if secret in clean:
                leaked[line.kind] += 1
                leaks.append(f"{line.text} -> {clean}")
        if not line.secrets:
            kept += 1
            if clean != line.text:
                over.append(f"{line.text} -> {clean}")
    return {
        "secrets": secrets,
        "leaked": sum(leaked.values()),
        "scrubbed_share": round(1 - sum(leaked.values()) / secrets, 5) if secrets else None,
        "leaked_by": dict(leaked),
        "harmless": kept,
        "over_scrubbed": len(over),
        "over_scrubbed_share": round(len(over) / kept, 4) if kept else None,
        "leaks_are": leaks[:SHOWN],
        "over_are": over[:SHOWN],
    }


# ------------------------------------------------------------ sentences with drawn values
def _digits(chance: random.Random, count: int, first: str = "") -> str:
    return first + "".join(chance.choice("0123456789") for _ in range(count - len(first)))


def _said(digits: str, language: str, chance: random.Random) -> str:
    if language == "zh":
        words = [("幺" if d == "1" and chance.random() < 0.5 else _ZH_DIGITS[int(d)]) for d in digits]
        return "".join(words)
    return " ".join(_EN_DIGITS[int(d)] for d in digits)


def _figure(chance: random.Random) -> Line:
    kind, count, first, zh, en = chance.choice(
        (
            ("phone", 11, "13", "我的手机号是{}，打给我", "my number is {}, call me"),
            ("phone", 8, "8", "座机{}没人接", "the line {} is dead"),
            ("card", 19, "622", "卡号{}用不了", "card {} does not work"),
            ("card", 16, "4", "这张{}的卡被吞了", "the machine swallowed {}"),
            ("id", 18, "33010619", "身份证{}说不对", "they refused my id {}"),
            ("number", 6, "", "密码{}不对", "the code {} was wrong"),
            ("number", 4, "", "尾号{}的卡", "the card ending {}"),
        )
    )
    digits, language = _digits(chance, count, first), chance.choice(("zh", "en"))
    how = chance.random()
    if how < 0.4:
        value = digits
    elif how < 0.6 and count > 6:
        value = " ".join(digits[at : at + 4] for at in range(0, count, 4))
    else:
        value = _said(digits, language, chance)
    return Line("made", language, kind, (zh if language == "zh" else en).format(value), (value,))


def _name(chance: random.Random) -> Line:
    if chance.random() < 0.6:
        name = chance.choice(_FAMILY) + "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2))))
        way = chance.choice(
            ("我叫{}，等了很久", "柜员{}态度很好", "表扬{}", "{}说今天办不了", "谢谢{}", "我要投诉{}，太慢了",
             "找{}办的，办错了", "收款人是{}", "我老公叫{}", "{}的服务很差", "{}先生插队", "跟{}说过了", "户名{}")
        )  # fmt: skip
        return Line("made", "zh", "name", way.format(name), (name,))
    given, family = chance.choice(_EN_GIVEN), chance.choice(_EN_FAMILY)
    way = chance.choice(
        ("my name is {} {}", "the teller {} {} was slow", "please thank {} {} for me", "I spoke to {} {} twice",
         "{} {} helped me today", "this is {} {} speaking")
    )  # fmt: skip
    return Line("made", "en", "name", way.format(given, family), (given, family))


def _address(chance: random.Random) -> Line:
    number, flat = chance.randint(1, 999), chance.randint(101, 2905)
    if chance.random() < 0.6:
        street = chance.choice(_STREETS)
        way = chance.choice(
            ("我家住在{s}路{n}号{f}室", "{s}路{n}号的老房子，来一趟不容易", "地址是{s}街{n}号", "寄到{s}路{n}弄{f}室")
        )
        return Line(
            "made",
            "zh",
            "address",
            way.format(s=street, n=number, f=flat),
            (f"{street}路{number}", f"{street}街{number}", f"{number}号"),
        )
    street = chance.choice(_EN_STREETS)
    way = chance.choice(
        ("I live at {n} {s} Street", "send it to {n} {s} Road please", "my address is {n} {s} Avenue, flat {f}")
    )
    return Line("made", "en", "address", way.format(n=number, s=street, f=flat), (f"{number} {street}",))


def _amount(chance: random.Random) -> Line:
    if chance.random() < 0.5:
        large = chance.choice("二三四五六七八九") + chance.choice(("千", "万", "百万")) + "块"
        plain = (f"{chance.randint(2, 99)}万", f"{chance.randint(1000, 999999)}元", f"{chance.randint(11, 999)}块")
        value = chance.choice((*plain, large))
        return Line(
            "made",
            "zh",
            "amount",
            chance.choice(("取{}要预约吗", "转了{}没到账", "少了{}，没人管")).format(value),
            (value,),
        )
    value = chance.choice(
        (
            f"{chance.randint(100, 99999)} yuan",
            f"${chance.randint(10, 9999)}",
            f"{chance.choice(_EN_DIGITS[2:])} thousand dollars",
        )
    )
    return Line(
        "made",
        "en",
        "amount",
        chance.choice(("I sent {} and it never came", "where are my {}", "you took {} from me")).format(value),
        (value,),
    )


def _plate(chance: random.Random) -> Line:
    value = (
        chance.choice("浙沪苏皖粤京")
        + chance.choice("ABCDEFG")
        + "".join(chance.choice("ABCDEFGHJK0123456789") for _ in range(5))
    )
    return Line(
        "made", "zh", "plate", chance.choice(("{}挡住门了", "车牌{}没人管", "把{}挪一下")).format(value), (value,)
    )


def _mail(chance: random.Random) -> Line:
    user = "".join(chance.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(8))
    value = f"{user}@{chance.choice(('qq.com', '163.com', 'mail.example'))}"
    zh = chance.random() < 0.5
    way = chance.choice(("发到{}", "邮箱{}没收到")) if zh else chance.choice(("write to {}", "my mail {} got nothing"))
    return Line("made", "zh" if zh else "en", "mail", way.format(value), (user,))


_MAKERS: Final = (_figure, _figure, _name, _name, _address, _amount, _plate, _mail)
