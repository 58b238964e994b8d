"""What a sentence names besides its wish: how much, which place, which day, which service.

Small closed lists of words, so that every value is one that the approved answers know. Pure; any
text is accepted, and what is not named is absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from contracts.screen import Language
from models.amounts import MAX_CHARS, read_amount
from models.intent_features import normalise

Words = tuple[tuple[str, dict[Language, re.Pattern[str]]], ...]


def _words(*rows: tuple[str, str, str]) -> Words:
    """(value, Mandarin words, English words) as patterns; the first row that fits wins."""
    return tuple((value, {"zh": re.compile(zh), "en": re.compile(r"\b(?:" + en + r")\b")}) for value, zh, en in rows)


PLACES: Final = _words(
    ("toilet", "厕所|洗手间|卫生间|解手|尿|方便一下|内急", "toilets?|restroom|bathroom|washroom|loo|pee"),
    ("passbook_printer", "补登|打折机", "passbook (?:printer|machine)"),
    ("deposit_machine", "存款机|存钱的机器|能存钱", "deposit machine"),
    ("atm", "取款机|提款机|柜员机|自助机|自助设备|atm|取钱的机器|领钱的机器", "atms?|cash machine|cashpoint|machines"),
    ("vip_room", "贵宾|vip", "vip"),
    ("wealth_room", "理财室|理财区|理财经理室|办理财", "wealth (?:room|management)|adviser'?s? room|loans"),
    ("corporate_counter", "对公", "corporate|business counter"),
    ("printer", "打印机|回单机|复印", "printer|photocop\\w*|copier"),
    ("forms_desk", "填单|填表", "forms?"),
    ("safe_deposit", "保险箱|保险柜|保管箱", "safe deposit\\w*|safe box\\w*"),
    ("lift", "电梯|二楼|楼上|上楼", "lift|elevator|upstairs|second floor"),
    ("exit", "出口|大门|从哪出去|出去", "exit|way out"),
    ("water", "饮水|喝水", "water"),
    ("seats", "休息区|等候区|座位|坐", "seats?|sit|waiting area"),
    ("counter", "柜台|柜面|窗口", "counters?|tellers?|windows?"),
)
ITEMS: Final = _words(
    ("wifi", "无线|wifi|wi-fi|上网|网络|有网", "wi-?fi|wireless|internet"),
    ("charger", "充电|没电", "charg\\w*|power bank|cable|plug|dead"),
    ("water", "水|渴", "water|drink|thirsty"),
    ("umbrella", "伞", "umbrella"),
    ("glasses", "眼镜|花镜", "glasses"),
    ("wheelchair", "轮椅", "wheelchair"),
    ("stroller", "婴儿车|推车", "stroller|pram"),
    ("baby_room", "母婴|喂奶|换尿布", "baby|nappy|diaper"),
    ("first_aid", "药箱|创可贴|血压|急救", "first aid|plaster|band-?aid"),
    ("tissues", "纸巾|擦手|抽纸", "tissues?"),
    ("pen", "笔", "pen"),
)
DAYS: Final = _words(
    ("in_3_days", "大后天", "in three days"),
    *(
        (f"next_{english}", f"下(?:个)?(?:周|星期|礼拜){chinese}", f"next (?:week'?s? )?{english}|{english} next week")
        for english, chinese in (
            ("monday", "一"),
            ("tuesday", "二"),
            ("wednesday", "三"),
            ("thursday", "四"),
            ("friday", "五"),
            ("saturday", "六"),
            ("sunday", "[日天]"),
        )
    ),
    ("day_after", "后天", "day after tomorrow"),
    ("tomorrow", "明天|明日|明儿", "tomorrow"),
    (
        "holiday",
        "节假日|放假|国庆|春节|过年|元旦|端午|中秋|清明|五一|十一长假|初一|初二|除夕",
        "holidays?|national day|spring festival|new year\\w*|christmas|may day",
    ),
    ("saturday", "周六|星期六|礼拜六", "saturdays?"),
    ("sunday", "周日|星期日|星期天|礼拜天|礼拜日|周天", "sundays?"),
    ("weekend", "周末|双休", "weekends?"),
    ("monday", "周一|星期一|礼拜一", "mondays?"),
    ("tuesday", "周二|星期二|礼拜二", "tuesdays?"),
    ("wednesday", "周三|星期三|礼拜三", "wednesdays?"),
    ("thursday", "周四|星期四|礼拜四", "thursdays?"),
    ("friday", "周五|星期五|礼拜五", "fridays?"),
    ("today", "今天|今日|今儿|现在|这会儿", "today|now|tonight"),
)
TERMS: Final = _words(
    ("3m", "三个月|3个月", "three months?|3 months?"),
    ("6m", "半年|六个月|6个月", "six months?|6 months?|half a year"),
    ("5y", "五年|5年", "five years?|5 years?"),
    ("3y", "三年|3年", "three years?|3 years?"),
    ("2y", "两年|二年|2年", "two years?|2 years?"),
    ("1y", "一年|1年|12个月", "one year|a year|1 year|annual\\w*|twelve months"),
    ("demand", "活期", "current account|demand|savings account"),
)
CURRENCIES: Final = _words(
    ("HKD", "港币|港元|港纸", "hong kong dollars?|hkd"),
    ("AUD", "澳元|澳币", "australian dollars?|aud"),
    ("CAD", "加元|加币", "canadian dollars?|cad"),
    ("SGD", "新加坡元|新币|坡币", "singapore dollars?|sgd"),
    ("USD", "美元|美金|美刀", "us dollars?|dollars?|usd"),
    ("EUR", "欧元", "euros?|eur"),
    ("GBP", "英镑", "pounds?|sterling|gbp"),
    ("JPY", "日元|日币", "yen|jpy"),
    ("KRW", "韩元|韩币", "korean won|krw"),
    ("THB", "泰铢", "thai baht|baht|thb"),
    ("CHF", "瑞士法郎|瑞郎", "swiss francs?|chf"),
)
# What papers or fees are asked for. Not called `service`: that names a queue.
TOPICS: Final = _words(
    ("child_account", "给孩子开户|孩子开户|未成年|小孩开户|孙子开户", "my child|my (?:son|daughter)'?s? account|minor"),
    ("corporate_account", "对公|公司|企业|营业执照", "company|corporate|business account"),
    ("credit_card", "信用卡", "credit card"),
    ("card_replace", "补卡|换卡|补办|新卡", "replac\\w*|new card"),
    ("card_loss", "挂失|丢", "lost|stolen|loss"),
    ("close_account", "销户|注销|销卡", "clos(?:e|ing) (?:my|an|the) account"),
    ("open_account", "开户|开账户|开个账户|办卡|银行卡|开卡", "open\\w* an? account|open\\w*|bank card|debit card"),
    ("pin_reset", "密码", "pin|password"),
    ("large_withdrawal", "大额", "large withdrawal|large amount"),
    ("update_phone", "手机号|电话号码|改号", "phone number|address"),
    ("update_id", "身份证过期|更新身份证|更新证件", "update my id|expired id"),
    ("social_security_card", "社保卡", "social security"),
    ("transfer_overseas", "国外|境外|跨境|海外", "abroad|overseas|international|wire"),
    ("withdraw_elsewhere", "跨行取|异地取|别的银行取", "another bank|other banks?"),
    ("transfer_domestic", "转账|汇款|跨行", "transfers?"),
    ("statement", "流水|对账单|明细", "statements?"),
    ("sms_alert", "短信", "text alerts?|sms|alerts?"),
    ("security_token", "u盾|优盾", "security key|u-?key|token"),
    ("fx_exchange", "外币|换汇|兑换", "exchang\\w*|currency"),
    ("account_fee", "年费|管理费|小额账户", "annual fee|every year|monthly fee|account fee"),
    ("loan", "贷款|房贷", "loans?|mortgage"),
    ("proxy", "代办|替|帮别人", "someone else|on behalf|proxy"),
)
HOW: Final = _words(
    ("slower", "慢[点一些]|太快", "slow\\w*|not so fast|too fast"),
    ("faster", "快", "fast\\w*|quick\\w*"),
    ("quieter", "小声|声音小|轻一?点|太大|太吵|调低|别那么大声", "quiet\\w*|lower|down|too loud|mute"),
    ("louder", "大声|声音大|响|调高|听不见|耳背|嗓门", "loud\\w*|up|can't hear"),
)
PERIODS: Final = _words(
    ("last_month", "上个?月", "last month"),
    ("this_month", "这个?月|本月|当月", "this month"),
    ("6m", "半年|六个月|6个月", "six months?|6 months?|half a year"),
    ("3m", "三个月|3个月|一个?季度|近三月", "three months?|3 months?|quarter"),
    ("1y", "一年|1年|全年|今年|十二个月|12个月", "one year|a year|1 year|twelve months|12 months|this year"),
    ("1m", "一个月|1个月|最近", "one month|a month|1 month|lately|recent\\w*"),
)
SWITCHES: Final = _words(
    (
        "off",
        "关掉|关闭|关了|取消|退订|停掉|停了|不要",
        "turn (?:it |them )?off|switch off|stop|cancel|close|unsubscribe",
    ),
    (
        "on",
        "开通|打开|开启|订|要开|办一个|开",
        "turn (?:it |them )?on|switch on|start|open|sign up|set up|activate|get",
    ),
)
HOURS: Final = _words(
    ("9", "九点|9点", "at nine|at 9|nine o'clock|9 ?am|half past nine"),
    ("10", "(?<!二)十点|10点", "at ten|at 10|ten o'clock|10 ?am|half past ten"),
    ("11", "十一点|11点", "at eleven|at 11|eleven o'clock|11 ?am|half past eleven"),
    ("12", "十二点|12点|中午", "at twelve|at noon|noon|twelve o'clock|12 ?pm"),
    ("13", "(?:下午|午后)[一1]点|13点", "one in the afternoon|at one|1 ?pm|one pm|one o'clock"),
    ("14", "14点|(?<!十)[两二2]点", "at two|at 2|two o'clock|2 ?pm|two pm|half past two"),
    ("15", "15点|(?<!十)[三3]点", "at three|at 3|three o'clock|3 ?pm|three pm|half past three"),
    ("16", "16点|(?<!十)[四4]点", "at four|at 4|four o'clock|4 ?pm|four pm|half past four"),
    ("14", "下午", "afternoon"),
    ("10", "上午|早上", "morning"),
)
PRIORITIES: Final = _words(
    ("pregnant", "怀孕|孕妇|有身孕|大肚子|怀着?宝宝|怀着?孩子", "pregnant|expecting a (?:baby|child)"),
    (
        "disabled",
        "残疾|残障|轮椅|盲人|看不见|腿脚不(?:方便|便|好)|拄拐|拐杖|行动不便",
        "wheelchair|disabled|disability|crutch\\w*|i'?m blind|can'?t stand",
    ),
    (
        "elder",
        "老年人|老人家|年纪大了|岁数大了|(?:七|八|九)十(?:多|几|[一二三四五六七八九])?岁|(?:7|8|9)[0-9]岁",
        "elderly|senior citizen|i'?m old|my age|(?:seventy|eighty|ninety)\\w* years old|[789][0-9] years old",
    ),
)
TONGUES: Final = _words(
    ("sign", "手语|打手势|聋人", "sign language|deaf|signs"),
    ("yue", "粤语|广东话|白话", "cantonese"),
    ("wu", "上海话|吴语|苏州话", "shanghainese|wu dialect"),
    ("minnan", "闽南话|闽南语|台语", "hokkien|minnan"),
    ("sichuan", "四川话|重庆话|川话", "sichuan(?:ese)?"),
)
_READERS: Final[Sequence[tuple[str, Words]]] = (
    ("place", PLACES),
    ("item", ITEMS),
    ("date", DAYS),
    ("term", TERMS),
    ("currency", CURRENCIES),
    ("topic", TOPICS),
    ("how", HOW),
    ("period", PERIODS),
    ("switch", SWITCHES),
    ("time", HOURS),
    ("priority", PRIORITIES),
    ("tongue", TONGUES),
)
_ZH_DIGITS: Final = {c: str(n) for n, c in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "洞": "0"}
_EN_DIGITS: Final = {
    word: str(n)
    for n, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
} | {"oh": "0", "o": "0"}
_RUN: Final = re.compile(r"(?:[0-9零〇一二三四五六七八九幺洞][\s,，.。、-]*){3,}")
_EN_RUN: Final = re.compile(
    r"\b(?:(?:(?:double|triple) )?(?:zero|one|two|three|four|five|six|seven|eight|nine|oh|o|[0-9]+)[\s,.-]*){3,}"
)
# 'one two three four' is no amount of ten; 'two thousand' is none of these
_EN_ONE_BY_ONE: Final = re.compile(
    r"\b(?:(?:(?:double|triple) )?(?:zero|one|two|three|four|five|six|seven|eight|nine|oh)\b[\s,.-]*){3,}"
    r"(?!hundred|thousand|million|k\b)"
)
_TAIL: Final = re.compile(r"尾号|末尾|后四位|后4位|最后四位|\b(?:ending|ends|last four|last 4)\b")
_TICKET: Final = re.compile(r"(?<![a-z0-9])([a-z])\s*-?\s*([0-9])\s*([0-9]{2,4})(?![0-9])")
_DENIED: Final = re.compile(
    r"不(?:是|要)[^，,。、]{1,16}[，,。、]?\s*(?:是|要|改成|应该是)(.+)"
    r"|\bnot\b.{1,40}?\b(?:but|it's|make it|i mean)\b(.+)"
)
_MONTHS_EN: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_N_ZH: Final = r"(?:[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九]|[0-9]{1,2})"
_DATE_ZH: Final = re.compile(rf"(?:({_N_ZH})月)?({_N_ZH})(?:号|日)(?!窗|柜|线|楼|机|房)")
_NTH: Final = r"[0-9]{1,2}"
_DATE_EN: Final = re.compile(
    rf"\b(?:(?P<m1>{'|'.join(_MONTHS_EN)}) (?:the )?(?P<d1>{_NTH})(?:st|nd|rd|th)?"
    rf"|(?:the )?(?P<d2>{_NTH})(?:st|nd|rd|th)?(?: of)? (?P<m2>{'|'.join(_MONTHS_EN)})"
    rf"|the (?P<d3>{_NTH})(?:st|nd|rd|th))\b"
)
_UNITS_ZH: Final = frozenset("十百千万亿点半")


def read_digits(text: str, language: Language) -> str:
    """The longest run of digits that were said one by one, at least three: '幺三八…', 'one two double four'."""
    found: list[str] = []
    if language == "en":
        for run in _EN_RUN.findall(text):
            times, said = 1, ""
            for word in re.findall(r"[a-z]+|[0-9]+", run):
                if word in ("double", "triple"):
                    times = 2 if word == "double" else 3
                    continue
                said += (_EN_DIGITS.get(word, word) if not word.isdecimal() else word) * times
                times = 1
            found.append(said)
    for run in _RUN.finditer(text):
        if text[run.end() : run.end() + 1] in _UNITS_ZH:
            continue  # '一二三万' is a number
        found.append("".join(_ZH_DIGITS.get(c, c) for c in run.group() if c in _ZH_DIGITS or c in "0123456789"))
    return max(found, key=len, default="")


def read_date(text: str, language: Language) -> str | None:
    """A day named by its number: '12-03', or 'day-03' of whichever month comes next; None where there is none."""
    if language == "zh":
        zh = _DATE_ZH.search(text)
        month, day = (_number_zh(zh[1]), _number_zh(zh[2])) if zh else (0, 0)
    else:
        en = _DATE_EN.search(text)
        name = (en["m1"] or en["m2"]) if en else None
        month = _MONTHS_EN.index(name) + 1 if name else 0
        day = int(en["d1"] or en["d2"] or en["d3"]) if en else 0
    if not 1 <= day <= 31 or month > 12:
        return None
    return f"{month:02d}-{day:02d}" if month else f"day-{day:02d}"


def _number_zh(said: str | None) -> int:
    """'三', '十二', '二十' or '12' as a number; 0 for nothing."""
    if not said or said.isdecimal():
        return int(said or 0)
    tens, ten, ones = said.partition("十")
    value = {c: n for n, c in enumerate("零一二三四五六七八九")}
    return (value.get(tens, 1) * 10 + value.get(ones, 0)) if ten else value[said]


def _first(words: Words, text: str, language: Language) -> str | None:
    return next((value for value, patterns in words if patterns[language].search(text)), None)


def _meant(text: str) -> str:
    """Of 'not three, eight' the second part: what is denied is not what is wanted."""
    found = _DENIED.search(text)
    return next((part for part in found.groups() if part), text) if found else text


def read_slots(text: str, language: Language) -> dict[str, str]:
    """Slots of one sentence: `amount` (whole units, as digits), `place`, `item`, `date`, `term`, `currency`,
    `topic`, `how`, `period`, `switch`, `time` (hour), `priority`, `tongue`, `digits` (said one by one), `tail` (digits
    that were named as the end of a number), `ticket_no`. Values are ids; those of the lists above. `language` is
    the sentence's.
    """
    said = normalise(text[:MAX_CHARS])
    found = {slot: value for slot, words in _READERS if (value := _first(words, said, language)) is not None}
    if day := read_date(said, language):
        found["date"] = day
    said = _meant(said)
    amount = read_amount(_EN_ONE_BY_ONE.sub(" ", said) if language == "en" else said)
    if amount is not None:
        found["amount"] = str(amount)
    if digits := read_digits(said, language):
        found["digits"] = digits
        if (named := _TAIL.search(said)) and (tail := read_digits(said[named.end() :], language)):
            found["tail"] = tail
            if found.get("amount") == tail.lstrip("0"):
                del found["amount"]
    if ticket := _TICKET.search(said):
        found["ticket_no"] = "".join(ticket.groups()).upper()
    return found
