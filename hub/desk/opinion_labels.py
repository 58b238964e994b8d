"""What opinions are called on the pages, in both languages."""

from __future__ import annotations

from typing import Final

from hub.labels import Pair
from hub.opinions.tasks import Outcome

SUBJECTS: Final[dict[str, Pair]] = {
    "waiting": ("等候", "Waiting"),
    "staff": ("员工态度", "Staff"),
    "terminal": ("终端机", "The terminal"),
    "fees": ("收费", "Fees"),
    "business": ("业务办理", "Business"),
    "rules": ("材料与手续", "Papers and rules"),
    "place": ("环境设施", "The place"),
    "app": ("手机银行", "The app"),
    "other": ("其他", "Other"),
}
GROUPS: Final[dict[str, Pair]] = {
    "service": ("按业务", "By service"),
    "segment": ("按客群", "By segment"),
    "visit": ("初次与再来", "First or returning"),
    "branch": ("按网点", "By branch"),
}
NAMES: Final[dict[str, Pair]] = {
    "none": ("没取号", "No ticket"),
    "zh": ("中文", "Mandarin"),
    "en": ("英文", "English"),
    "elder": ("大字模式", "Large letters"),
    "first": ("初次", "First visit"),
    "returning": ("再来", "Returning"),
    "unknown": ("不知道", "Not known"),
}
OUTCOMES: Final[dict[Outcome, Pair]] = {
    "spoke": ("已沟通", "Spoke with them"),
    "mended": ("已改好", "Mended"),
    "explained": ("已说明", "Explained"),
    "passed_on": ("已转交", "Passed on"),
    "nothing": ("无需处理", "Nothing to do"),
}
STEPS: Final[dict[str, Pair]] = {
    "arrive": ("到店", "Arrive"),
    "greet": ("迎接", "Greeted"),
    "wish": ("说出需求", "Wish understood"),
    "wait": ("取号等候", "Wait"),
    "service": ("柜台办好", "Served"),
    "opinion": ("给出评价", "Opinion"),
}
TOOK: Final[dict[str, Pair]] = {
    "greet": ("到迎接", "until greeted"),
    "wish": ("迎接到听懂", "until understood"),
    "wait": ("等到叫号", "until called"),
    "service": ("办理", "at the counter"),
}
WAYS: Final[dict[str, Pair]] = {
    "rose": ("上升", "rose"),
    "fell": ("下降", "fell"),
    "same": ("没有明显变化", "no clear change"),
    "unknown": ("还说不准", "cannot say yet"),
}
LINES: Final[dict[str, Pair]] = {
    "content": ("满意的客户", "Content visitors"),
    "low": ("不满意的客户", "Discontented visitors"),
    "response": ("评价率", "Response rate"),
}
NOT_YET: Final[Pair] = ("还说不准", "cannot say yet")
MASKS: Final[dict[str, Pair]] = {
    "name": ("姓名", "name"), "number": ("号码", "number"), "card": ("卡号", "card"), "phone": ("电话", "phone"),
    "id": ("证件", "ID"), "address": ("地址", "address"), "amount": ("金额", "amount"), "plate": ("车牌", "plate"),
    "mail": ("邮箱", "mail"), "link": ("网址", "link"), "date": ("日期", "date"), "abuse": ("骂人的话", "abuse"),
}  # fmt: skip
