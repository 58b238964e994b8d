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
    ("USD", "美元|美金|美刀", "us dollars?|dollars?|usd"),
    ("EUR", "欧元", "euros?|eur"),
    ("GBP", "英镑", "pounds?|sterling|gbp"),
    ("JPY", "日元|日币", "yen|jpy"),
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
_READERS: Final[Sequence[tuple[str, Words]]] = (
    ("place", PLACES),
    ("item", ITEMS),
    ("date", DAYS),
    ("term", TERMS),
    ("currency", CURRENCIES),
    ("topic", TOPICS),
    ("how", HOW),
)


def _first(words: Words, text: str, language: Language) -> str | None:
    return next((value for value, patterns in words if patterns[language].search(text)), None)


def read_slots(text: str, language: Language) -> dict[str, str]:
    """Slots of one sentence: `amount` (whole units, as digits), `place`, `item`, `date`, `term`, `currency`,
    `topic`, `how`. Values are ids; those of the lists above. `language` is the sentence's.
    """
    said = normalise(text[:MAX_CHARS])
    found = {slot: value for slot, words in _READERS if (value := _first(words, said, language)) is not None}
    amount = read_amount(said)
    if amount is not None:
        found["amount"] = str(amount)
    return found
