"""Snapshots of every page as a core would send them, in both languages: for the bench, the gallery and the tests."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from config.forms import load_forms
from contracts.screen import (
    CalledView,
    Caption,
    ConfirmRow,
    ConfirmView,
    DeviceLights,
    DocumentView,
    Entry,
    FaceView,
    JoinStands,
    JoinTry,
    JoinView,
    Language,
    MapPlace,
    MapView,
    Page,
    QueueLine,
    ScreenState,
    StaffRow,
    StaffView,
    Target,
    TicketView,
)
from contracts.tickets import TicketState
from contracts.together import draft_digest
from kiosk.together import page as together
from kiosk.together.filling import Filling
from kiosk.together.ports import ApprovedText

BANK = {"zh": "青禾银行", "en": "Qinghe Bank"}
BRANCH = {"zh": "滨江路支行", "en": "Binjiang Road"}
PAGES: tuple[Page, ...] = get_args(Page)
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def _target(identifier: str, kind: str, label: str, detail: str = "", icon: str = "") -> Target:
    return Target(id=identifier, label=label, spoken_label=label, kind=kind, detail=detail, icon=icon)  # type: ignore[arg-type]


def dock(language: Language) -> tuple[Target, ...]:
    words = {
        "zh": ("English", "大字版", "结束", "人工服务", "叫一位同事来帮您"),
        "en": ("中文", "Large text", "End", "Talk to a person", "A colleague will come"),
    }[language]
    return (
        _target("language", "dock", words[0], icon="globe"),
        _target("text_size", "dock", words[1], icon="text"),
        _target("end", "dock", words[2], icon="exit"),
        _target("human", "human", words[3], words[4]),
    )


def _pick(language: Language, zh: str, en: str) -> str:
    return zh if language == "zh" else en


def attract(language: Language) -> ScreenState:
    rows = {
        "zh": (("“我要取号”", "办业务先拿号"), ("“我的卡丢了”", "马上帮您挂失"), ("“洗手间在哪”", "带您看路线")),
        "en": (
            ("“A ticket, please”", "Start here"),
            ("“I lost my card”", "We block it now"),
            ("“Where is …?”", "See the way"),
        ),
    }[language]
    icons = ("ticket", "cardlock", "map")
    cards = tuple(_target(f"say_{icon}", "card", *row, icon) for icon, row in zip(icons, rows, strict=True))
    names = {"zh": ("个人业务", "对公业务", "理财咨询"), "en": ("Personal", "Business", "Investment")}[language]
    return ScreenState(
        revision=1,
        page="attract",
        language=language,
        bank=BANK[language],
        branch=BRANCH[language],
        headline=_pick(language, "您好，走近一点，直接说就行", "Hello. Step closer and just speak."),
        headline_translation=_pick(language, "Hello. Step closer and just speak.", "您好，走近一点，直接说就行"),
        note=_pick(language, "刚叫到  A028 → 3 号窗口", "Now  A028 → counter 3"),
        targets=(*cards, *dock(language)),
        expression="glad",
        gesture="wave",
        open_until="17:00",
        queue=tuple(QueueLine(name, n, (4 * n, 9 * n)) for name, n in zip(names, (8, 3, 1), strict=True)),
    )


def conversation(language: Language) -> ScreenState:
    hers = _pick(
        language,
        "别着急。先帮您挂失，卡里的钱就安全了，再补新卡，好吗？",
        "Don't worry. Shall we freeze the lost card first, so that your money is safe?",
    )
    other = _pick(language, "Don't worry. Shall we freeze the lost card first?", "别着急。先帮您挂失，好吗？")
    captions = (
        Caption("visitor", _pick(language, "我银行卡丢了，想补一张。", "I lost my bank card and need a new one.")),
        Caption("receptionist", hers, translation=other, final=False, spoken=17),
    )
    rows = {
        "zh": (("好，先挂失", "约 2 分钟"), ("直接补新卡", "要带身份证"), ("要等多久", "看排队情况")),
        "en": (("Yes, freeze it", "about 2 min"), ("Replace the card", "ID needed"), ("How long?", "See the queue")),
    }[language]
    names = (("freeze", "cardlock"), ("replace", "cardnew"), ("wait", "clock"))
    chips = tuple(_target(name, "chip", *row, icon) for (name, icon), row in zip(names, rows, strict=True))
    words = {"zh": ("我在听，请说", "I'm listening"), "en": ("I'm listening", "请说")}[language]
    return ScreenState(
        revision=2,
        page="conversation",
        language=language,
        bank=BANK[language],
        branch=BRANCH[language],
        captions=captions,
        targets=(*chips, _target("microphone", "microphone", *words), *dock(language)),
        listening="listening",
    )


def keypad(language: Language) -> ScreenState:
    asked = _pick(language, "转多少？", "How much?")
    keys = tuple(_target(f"key_{digit}", "key", digit) for digit in "1234567890")
    back = _target("key_back", "key", _pick(language, "退格", "Delete"))
    done = _target("key_ok", "key", _pick(language, "确定", "OK"))
    return ScreenState(
        revision=7, page="keypad", language=language, bank=BANK[language], branch=BRANCH[language],
        captions=(Caption("receptionist", asked, translation=_pick(language, "How much?", "转多少？")),),
        targets=(*keys, back, done, *dock(language)), listening="listening", entry=Entry("20000", 9, money=True),
    )  # fmt: skip


def ticket(language: Language, *, known: bool = True) -> ScreenState:
    shown = TicketView(
        number="A037",
        service=_pick(language, "个人业务 · 挂失补换卡", "Personal · replace a card"),
        issued_at=_pick(language, "11月21日 10:26", "21 Nov 10:26"),
        ahead=8 if known else None,
        wait_min=(12, 25) if known else None,
        qr="https://qinghe.example/q/A037-7f3c" if known else "",
    )
    return ScreenState(
        revision=3, page="ticket", language=language, bank=BANK[language], branch=BRANCH[language],
        ticket=shown, targets=dock(language), gesture="present", expression="glad", gaze=(0.5, 0.6),
    )  # fmt: skip


def opinion(language: Language) -> ScreenState:
    zh = ("很不满意", "不满意", "一般", "满意", "很满意")
    en = ("Very poor", "Poor", "Fair", "Good", "Very good")
    faces = tuple(_target(f"rate_{i + 1}", "smiley", (zh if language == "zh" else en)[i]) for i in range(5))
    skip = _target("skip", "quiet", _pick(language, "不评了", "No, thanks"))
    return ScreenState(
        revision=4, page="opinion", language=language, bank=BANK[language], branch=BRANCH[language],
        headline=_pick(language, "谢谢您！今天办得满意吗？", "Thank you! How was it today?"),
        headline_translation=_pick(language, "How was it today?", "今天办得满意吗？"),
        note=_pick(language, "点一下就行，不记名字", "One touch. No name is kept."),
        targets=(*faces, skip, *dock(language)), gesture="heart", expression="glad",
    )  # fmt: skip


def goodbye(language: Language) -> ScreenState:
    return ScreenState(
        revision=5, page="goodbye", language=language, bank=BANK[language], branch=BRANCH[language],
        headline=_pick(language, "谢谢您，请慢走", "Thank you. Take care."),
        headline_translation=_pick(language, "Thank you. Take care.", "谢谢您，请慢走"),
        note=_pick(language, "请带好身份证和银行卡", "Please take your ID and your card with you"),
        targets=dock(language), gesture="wave", expression="glad",
    )  # fmt: skip


def outage(language: Language) -> ScreenState:
    rows = {
        "zh": (
            ("取号排队", "照常出票，不用联网"),
            ("看排到几号", "叫到 A028，个人业务等 8 人"),
            ("网点指路", "柜台、填单台、洗手间"),
        ),
        "en": (
            ("Take a ticket", "Works without a network"),
            ("See the queue", "A028 called, 8 wait"),
            ("Find your way", "Counters, desks, toilets"),
        ),
    }[language]
    icons = ("ticket", "people", "map")
    cards = tuple(_target(f"say_{icon}", "card", *row, icon) for icon, row in zip(icons, rows, strict=True))
    return ScreenState(
        revision=6,
        page="outage",
        language=language,
        bank=BANK[language],
        branch=BRANCH[language],
        headline=_pick(language, "我现在听不见您说话", "I cannot hear you at the moment"),
        headline_translation=_pick(language, "用手点，下面这些照常能办", "Please touch: all this still works"),
        note=_pick(language, "正在修，预计 10:40 恢复", "Being repaired, back at about 10:40"),
        targets=(*cards, *dock(language)),
        listening="unavailable",
        expression="concerned",
        lights=DeviceLights(microphone=False, camera=True, missing=("microphone", "camera", "printer")),
    )


def staff(language: Language) -> ScreenState:
    names = {
        "zh": ("个人业务", "对公业务", "理财咨询"),
        "en": ("Personal banking", "Corporate banking", "Wealth advice"),
    }
    personal, corporate, wealth = names[language]
    here = StaffRow("A031", personal, 26, TicketState.RECALLED, "2")
    rows = (
        StaffRow("A034", personal, 18, TicketState.WAITING),
        StaffRow("C006", wealth, 12, TicketState.WAITING),
        StaffRow("A036", personal, 9, TicketState.WAITING),
        StaffRow("B004", corporate, 4, TicketState.WAITING),
        here,
        StaffRow("C005", wealth, 31, TicketState.SERVING, "3"),
        StaffRow("A029", personal, 44, TicketState.NO_SHOW, "1"),
    )
    words = {
        "zh": ("{} 号窗口", "叫下一位", "再叫一次", "开始办", "办完了", "没有来", "离开"),
        "en": ("Counter {}", "Call next", "Call again", "Begin", "Done", "Not here", "Leave"),
    }[language]
    counters = tuple(
        replace(_target(f"staff_counter_{name}", "chip", words[0].format(name)), selected=name == "2")
        for name in ("1", "2", "3")
    )
    buttons = (
        replace(_target("staff_call", "primary", words[1]), enabled=False),
        _target("staff_recall", "quiet", words[2]),
        _target("staff_serve", "quiet", words[3]),
        replace(_target("staff_finish", "quiet", words[4]), enabled=False),
        _target("staff_miss", "quiet", words[5]),
        _target("staff_close", "quiet", words[6]),
    )
    return ScreenState(
        revision=8, page="staff", language=language, bank=BANK[language], branch=BRANCH[language],
        targets=(*counters, *buttons, *dock(language)), expression="neutral",
        staff=StaffView(rows, waiting=4, hub=False, owed=37, counter="2", now=here, ends_after_s=52),
    )  # fmt: skip


def document(language: Language) -> ScreenState:
    first = _pick(language, "拿平一点，正对镜头", "Hold it flat, facing the camera")
    other = _pick(language, "Hold it flat, facing the camera", "拿平一点，正对镜头")
    chips = (
        _target(
            "camera", "chip", _pick(language, "对着镜头", "To the camera"),
            _pick(language, "大约十秒", "about 10 s"), "camera",
        ),
        _target("inserted", "chip", _pick(language, "放在读卡区", "On the reader"), "", "cardnew"),
        _target("without", "chip", _pick(language, "没带证件", "No ID"), "", "person"),
    )  # fmt: skip
    return ScreenState(
        revision=9, page="document", language=language, bank=BANK[language], branch=BRANCH[language],
        document=DocumentView(first, other, (0.2, 0.24, 0.79, 0.18, 0.83, 0.74, 0.17, 0.82)),
        targets=(*chips, *dock(language)), listening="thinking",
    )  # fmt: skip


CARD = "6222020000000000000"


def filling(language: Language, step: str = "fill") -> Filling:
    """A form that is half filled in, by both."""
    made = Filling(load_forms()["limits"], "session-000001", language)
    made.teller_writes("name", "王小明" if language == "zh" else "Wang Xiaoming")
    made.teller_writes("card", CARD)
    made.teller_writes("limit", "50000")
    made.teller_touches("limit")
    if step != "fill":
        made.teller_writes("reason", "purchase")
        made.opens("secret", "", language)
        for _ in range(2):
            for digit in "246810":
                made.visitor_types(digit)
            made.visitor_moves(1)
    if step == "sign":
        made.opens("sign", draft_digest(made.stands()), language)
    return made


def _talk(language: Language) -> ScreenState:
    return ScreenState(
        revision=9, page="conversation", language=language, bank=BANK[language], branch=BRANCH[language],
        targets=dock(language),
    )  # fmt: skip


def form(language: Language, step: str = "fill") -> ScreenState:
    return together.form_page(_talk(language), filling(language, step))


def sign(language: Language) -> ScreenState:
    line = tuple((150 + 14 * i, 260 + (60 if i % 2 else -60), 16 * i) for i in range(40))
    return together.sign_page(_talk(language), filling(language, "sign"), (line,), too_little=False)


def reading(language: Language) -> ScreenState:
    zh = ApprovedText(title="一类户是什么意思", text="一类户什么都能办。存取现金、转账、领工资都行。要您本人到柜台开。",
                      source="青禾银行个人账户管理办法（演示）第8条")  # fmt: skip
    en = ApprovedText(title="what is a class one account", source="Rules for personal accounts (demonstration), 8",
                      text="A class one account does everything: cash, transfers, wages. You open it in person at the counter.")  # fmt: skip # noqa: E501
    return together.reading_page(_talk(language), zh if language == "zh" else en)


def _said(
    language: Language, page: Page, zh: str, en: str, targets: tuple[Target, ...], **views: object
) -> ScreenState:
    """A page on which she has just said something."""
    words = {"zh": ("我在听，请说", "I'm listening"), "en": ("I'm listening", "请说")}[language]
    first, other = (zh, en) if language == "zh" else (en, zh)
    return ScreenState(
        revision=10, page=page, language=language, bank=BANK[language], branch=BRANCH[language],
        captions=(Caption("receptionist", first, other),), listening="listening",
        targets=(*targets, _target("microphone", "microphone", *words), *dock(language)), **views,  # type: ignore[arg-type]
    )  # fmt: skip


def choices(language: Language) -> ScreenState:
    rows = {
        "zh": ("存钱取钱", "转账汇款", "银行卡", "贷款", "理财", "公司业务"),
        "en": ("Cash", "Transfers", "Cards", "Loans", "Investment", "Business"),
    }[language]
    icons = ("ticket", "right", "card", "people", "shield", "id")
    cards = tuple(
        _target(f"service_{i}", "chip", *pair)
        for i, pair in enumerate((row, "", icon) for row, icon in zip(rows, icons, strict=True))
    )
    return _said(language, "choices", "您想办哪一类业务？", "Which kind of business is it?", cards)


def confirm(language: Language) -> ScreenState:
    zh = (("对，转", "马上转出"), ("不对", "改一下"))
    en = (("Yes, send it", "right away"), ("No", "change it"))
    yes, no = zh if language == "zh" else en
    doors = (
        _target("yes", "primary", *yes, "check"), _target("wrong", "quiet", *no, "cross"),
        _target("reveal", "quiet", _pick(language, "看一下数字", "Show the figures"), "", "eye"),
    )  # fmt: skip
    rows = (
        ConfirmRow(_pick(language, "转多少", "Amount"), "•••• •••", private=True),
        ConfirmRow(_pick(language, "转给谁", "To"), _pick(language, "尾号 ••••", "ending ••••"), private=True),
        ConfirmRow(_pick(language, "什么时候", "When"), _pick(language, "马上", "right away")),
    )
    return _said(
        language,
        "confirm",
        "请您看一下，对吗？",
        "Please have a look. Is that right?",
        doors,
        confirm=ConfirmView(rows),
    )


def waiting(language: Language) -> ScreenState:
    chips = (
        _target("wish_take_a_walk", "chip", _pick(language, "我出去走走", "I step out"), "", "map"),
        _target("done", "chip", _pick(language, "知道了", "All right"), "", "check"),
    )
    said = ("您的号是A037，前面还有8位。", "Your number is A037, with 8 ahead.")
    return _said(language, "waiting", *said, chips, ticket=ticket(language).ticket)


def called(language: Language) -> ScreenState:
    chip = _target("done", "primary", _pick(language, "我这就去", "I am on my way"), "", "check")
    said = ("叫到您了，请到3号窗口。", "It is your turn. Please go to counter 3.")
    made = _said(language, "called", *said, (chip,), called=CalledView("A037", "3"), ticket=ticket(language).ticket)
    return replace(made, targets=tuple(target for target in made.targets if target.kind != "microphone"))


def map_page(language: Language) -> ScreenState:
    zh = ("柜台", "等候区", "取款机", "填单台", "洗手间", "贵宾室", "大门")
    en = ("Counters", "Seats", "ATM", "Forms", "Toilet", "VIP", "Door")
    boxes = ((0.30, 0.02, 0.40, 0.13), (0.55, 0.35, 0.3, 0.28), (0.02, 0.72, 0.2, 0.25), (0.36, 0.45, 0.13, 0.12),
             (0.82, 0.02, 0.17, 0.2), (0.02, 0.05, 0.18, 0.25), (0.40, 0.90, 0.2, 0.09))  # fmt: skip
    labels = zh if language == "zh" else en
    places = tuple(MapPlace(label, box, goal=i == 4) for i, (label, box) in enumerate(zip(labels, boxes, strict=True)))
    route = ((0.26, 0.62), (0.26, 0.26), (0.90, 0.26), (0.90, 0.22))
    chip = _target("done", "chip", _pick(language, "知道了", "All right"), "", "check")
    said = ("洗手间往右走。走到头就是。", "The toilet is on the right. Go to the end of the corridor.")
    return _said(language, "map", *said, (chip,), map=MapView(places, route, 1.5, 18))


def ways(language: Language) -> ScreenState:
    rows = {
        "zh": ("字大一点", "黑白分明", "看字幕", "听着办", "够得着", "不用了"),
        "en": ("Larger letters", "Strong contrast", "Captions first", "Spoken", "Lower down", "None of these"),
    }[language]
    icons = ("text", "eye", "pen", "speaker", "down", "exit")
    cards = tuple(
        _target(f"way_{i}", "chip", row, "", icon) for i, (row, icon) in enumerate(zip(rows, icons, strict=True))
    )
    made = _said(language, "ways", "怎样看、怎样听更方便？", "What would help you?", cards)
    return replace(made, captions=())


def face(language: Language) -> ScreenState:
    first = _pick(language, "请慢慢向右转头", "Slowly turn your head to the right")
    other = _pick(language, "Slowly turn your head to the right", "请慢慢向右转头")
    doors = (
        _target(
            "go_on", "chip", _pick(language, "继续刷脸", "Go on"), _pick(language, "大约 10 秒", "about 10 s"), "face"
        ),
        _target(
            "without", "chip", _pick(language, "不刷脸", "Not my face"), _pick(language, "插证件", "use my ID"), "id"
        ),
    )
    made = _said(language, "face", "请慢慢向右转头", "Slowly turn your head to the right", doors)
    return replace(made, captions=(), face=FaceView(first, other, done=1, steps=3))


def call(language: Language) -> ScreenState:
    made = conversation(language)
    hers = _pick(language, "柜员在听，请直接说。", "The teller is listening. Just speak.")
    captions = (Caption("receptionist", hers, _pick(language, "The teller is listening.", "柜员在听。")),)
    targets = (_target("teller_end", "quiet", _pick(language, "结束通话", "End the call"), "", "hang"), *dock(language))
    return replace(made, page="call", captions=captions, targets=targets)


def join(language: Language, stands: JoinStands = "asking") -> ScreenState:
    tries = (JoinTry("touch", "works"), JoinTry("camera", "fails"), JoinTry("speak", "works"), JoinTry("sound", "here"),
             JoinTry("paper"))  # fmt: skip
    labels = {"zh": ("听到了", "没听到"), "en": ("Heard them", "Did not")}[language]
    offered = (_target("join_yes", "primary", labels[0]), _target("join_no", "quiet", labels[1]))
    revoked = stands == "revoked"
    return ScreenState(
        1, "join", language, BANK[language], BRANCH[language],
        join=JoinView(stands, "" if revoked else "K7RMW2QX", tries=() if revoked else tries),
        targets=(*(() if revoked else offered), *dock(language)),
    )  # fmt: skip


def sample(page: Page, language: Language) -> ScreenState:
    """The page as a core would send it."""
    makers = {
        "attract": attract, "conversation": conversation, "choices": choices, "keypad": keypad, "confirm": confirm,
        "ticket": ticket, "waiting": waiting, "called": called, "map": map_page, "ways": ways, "document": document,
        "face": face, "call": call, "form": form, "sign": sign, "reading": reading, "opinion": opinion,
        "goodbye": goodbye, "outage": outage, "staff": staff,
        "join": join,
    }  # fmt: skip
    return makers[page](language)
