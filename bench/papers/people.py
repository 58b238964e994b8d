"""Invented people for synthetic documents: names with rare characters, addresses, numbers that are valid or just not.

Numbers are drawn at random from what the standards allow (GB 11643, ISO/IEC 7812, ICAO Doc 9303); that one belongs to
somebody is chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np

from kiosk.vision.documents.numbers import id_check_digit, luhn_digit, mrz_digit

Split = Literal["tune", "report"]
TODAY: Final = date(2026, 11, 29)  # of the synthetic world: what has expired has done so by then

SURNAMES: Final = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
DOUBLE: Final = ("欧阳", "上官", "司马", "诸葛", "皇甫", "尉迟", "令狐", "慕容")
GIVEN: Final = tuple(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅春燕国建文志海波宁晨阳雪婷佳欣怡思雨子涵梓轩浩然嘉诚俊毅晓东小明"
    "永福德全淑珍凤琴金凤素兰翠花家豪雅琪若楠一鸣天宇星辰"
)
RARE: Final[dict[Split, tuple[str, ...]]] = {
    "tune": tuple("堃翀犇骉喆玥珺彧昶赟煜旻镕甯龑淼燊曌垚鑫骁翾晟瑄琰暐頔芃祎竑㼆丗"),
    "report": tuple("爨罡珮雯洢昇烜堉奭媱媄囍囡㐱䶮璟琬珩翊翮筠筱絮羿翯胤芮苒荀莼菡蓁薇蘅曦昱昉旸㛃㬎"),
}
MINORITIES: Final = ("满", "回", "壮", "蒙古", "维吾尔", "苗", "彝", "土家", "藏", "朝鲜")
PLACES: Final[tuple[tuple[str, str], ...]] = (
    ("110108", "北京市海淀区"), ("310115", "上海市浦东新区"), ("510107", "四川省成都市武侯区"),
    ("440305", "广东省深圳市南山区"), ("650102", "新疆乌鲁木齐市天山区"), ("450103", "广西南宁市青秀区"),
    ("330106", "浙江省杭州市西湖区"), ("420106", "湖北省武汉市武昌区"), ("610113", "陕西省西安市雁塔区"),
    ("210102", "辽宁省沈阳市和平区"), ("370202", "山东省青岛市市南区"), ("530102", "云南省昆明市五华区"),
    ("230103", "黑龙江省哈尔滨市南岗区"), ("350203", "福建省厦门市思明区"), ("500103", "重庆市渝中区"),
    ("320106", "江苏省南京市鼓楼区"), ("430102", "湖南省长沙市芙蓉区"), ("410105", "河南省郑州市金水区"),
)  # fmt: skip
STREETS: Final = (
    "中山", "人民", "解放", "建设", "和平", "文化", "学院", "长江", "青年", "世纪", "滨河", "东风", "新华", "民主",
    "南湖", "西园",
)  # fmt: skip
ISSUERS: Final = (
    "621700",
    "622848",
    "622202",
    "621661",
    "622588",
    "625912",
)  # ranges of cards that are accepted in China
SYLLABLES: Final[dict[str, str]] = dict(zip(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗",
    (
        "WANG", "LI", "ZHANG", "LIU", "CHEN", "YANG", "HUANG", "ZHAO", "WU", "ZHOU", "XU", "SUN", "MA", "ZHU", "HU",
        "GUO", "HE", "GAO", "LIN", "LUO",
    ),
    strict=True,
))  # fmt: skip
GIVEN_LATIN: Final = (
    "MING", "FANG", "XIAODONG", "HUI", "JIANGUO", "XIULAN", "YUTING", "HAORAN", "SIYU", "ZIHAN", "WEI", "LEI",
    "YONGFU", "SHUZHEN",
)  # fmt: skip
GIVEN_OF: Final[dict[str, str]] = dict(zip(
    GIVEN_LATIN,
    ("明", "芳", "晓东", "慧", "建国", "秀兰", "雨婷", "浩然", "思雨", "子涵", "伟", "磊", "永福", "淑珍"), strict=True,
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who does not exist."""

    name: str = field(repr=False)
    sex: Literal["男", "女"]
    nation: str
    born: date
    address: str = field(repr=False)
    region: str
    number: str = field(repr=False)  # 18 characters
    issued: date
    until: date | None  # None: for ever, as cards of people from 46 on are
    surname_latin: str = ""
    given_latin: str = ""
    passport: str = field(default="", repr=False)
    passport_until: date = TODAY
    card: str = field(default="", repr=False)  # 16 or 19 digits
    card_until: date = TODAY
    rare: bool = False  # a character that few people have in their name


def invent(rng: np.random.Generator, split: Split) -> Person:
    """A person with consistent, valid documents."""

    def pick(items: tuple[str, ...]) -> str:
        return items[int(rng.integers(len(items)))]

    rare = bool(rng.random() < 0.35)
    latin_surname = pick(tuple(SYLLABLES))
    latin_given = pick(GIVEN_LATIN)
    name = (pick(DOUBLE) if rng.random() < 0.06 else pick(SURNAMES)) + pick(GIVEN)
    name += pick(RARE[split]) if rare else (pick(GIVEN) if rng.random() < 0.6 else "")
    nation = "汉" if rng.random() < 0.85 else pick(MINORITIES)
    if nation == "维吾尔" and rng.random() < 0.7:
        name, rare = pick(("阿依古丽", "买买提·艾力", "古丽娜尔", "艾力·吐尔逊")), False
    region, place = PLACES[int(rng.integers(len(PLACES)))]
    born = date(1936, 1, 1) + timedelta(days=int(rng.integers(0, 365 * 74)))
    sex: Literal["男", "女"] = "男" if rng.random() < 0.5 else "女"
    order = int(rng.integers(0, 500)) * 2 + (sex == "男")
    body = f"{region}{born:%Y%m%d}{order:03d}"
    age = (TODAY - born).days // 365
    years = 5 if age < 16 else 10 if age < 26 else 20
    issued = TODAY - timedelta(days=int(rng.integers(30, min(years, max(1, age)) * 340)))
    street = f"{place}{pick(STREETS)}{pick(('路', '街', '大道', '巷'))}{rng.integers(1, 400)}号"
    if rng.random() < 0.75:
        street += f"{rng.integers(1, 30)}{pick(('栋', '号楼', '幢'))}{rng.integers(1, 33)}0{rng.integers(1, 9)}室"
    digits = pick(ISSUERS) + "".join(str(digit) for digit in rng.integers(0, 10, 12 if rng.random() < 0.7 else 9))
    return Person(
        name=name, sex=sex, nation=nation, born=born, address=street, region=region,
        number=body + id_check_digit(body), issued=issued,
        until=None if age >= 46 + years // 2 else _years_on(issued, years),
        surname_latin=SYLLABLES[latin_surname], given_latin=latin_given,
        passport=pick(("E", "EA", "EB", "EH"))[:2], passport_until=TODAY + timedelta(days=int(rng.integers(40, 3500))),
        card=digits + luhn_digit(digits), card_until=TODAY + timedelta(days=int(rng.integers(40, 2500))), rare=rare,
    )  # fmt: skip


def with_passport(person: Person, rng: np.random.Generator) -> Person:
    """The same with a passport's number of nine characters, and a name that its Latin one spells."""
    digits = "".join(str(digit) for digit in rng.integers(0, 10, 9 - len(person.passport)))
    back = {latin: hanzi for hanzi, latin in SYLLABLES.items()}
    name = back[person.surname_latin] + GIVEN_OF[person.given_latin]
    return replace(person, passport=person.passport + digits, name=name, rare=False)


def mrz(person: Person) -> tuple[str, str]:
    """Two lines of 44 characters (ICAO Doc 9303 part 4, TD3), with right check digits."""
    upper = f"P<CHN{person.surname_latin}<<{person.given_latin}".ljust(44, "<")[:44]
    number = person.passport.ljust(9, "<")
    born, until = f"{person.born:%y%m%d}", f"{person.passport_until:%y%m%d}"
    sex = "M" if person.sex == "男" else "F"
    optional = "<" * 14
    body = f"{number}{mrz_digit(number)}CHN{born}{mrz_digit(born)}{sex}{until}{mrz_digit(until)}{optional}"
    body += "<"  # of an optional field that is empty
    whole = body[0:10] + body[13:20] + body[21:43]
    return upper, body + mrz_digit(whole)


def _years_on(day: date, years: int) -> date:
    return date(day.year + years, day.month, min(day.day, 28))
