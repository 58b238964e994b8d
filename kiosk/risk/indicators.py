"""What is watched for, why it counts and what is asked then: one row an indicator. Approved sentences, no code.

`weight` is set by hand: enough of it raises the level whatever a trained judge thinks, so that a plain sign is never
voted down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Indicator:
    """`asks`: which questions break this spell, best first."""

    id: str
    weight: float
    zh: str
    en: str
    asks: tuple[str, ...] = ("who", "met", "told")


@dataclass(frozen=True, slots=True)
class Question:
    """Asked in a calm voice. `bad`: the answer that speaks for a swindle."""

    id: str
    zh: str
    en: str
    bad: bool = True  # yes is the bad answer


QUESTIONS: Final[dict[str, Question]] = {
    row.id: row
    for row in (
        Question("who", "是不是有人让您办这笔业务？", "Did somebody ask you to do this?"),
        Question(
            "met", "让您办的这个人，您当面见过吗？", "Have you met the person who asked you, face to face?", bad=False
        ),
        Question("told", "有没有人教您怎么跟银行说？", "Did anybody tell you what to say here?"),
        Question("phone", "现在电话里有人在教您操作吗？", "Is somebody on the phone with you right now?"),
        Question("code", "有没有人问过您验证码或者密码？", "Has anybody asked you for a code or a PIN?"),
        Question(
            "screen",
            "有没有人让您装软件，或者看您的屏幕？",
            "Did anybody have you install something or see your screen?",
        ),
        Question("back", "对方是不是说钱过后会退给您？", "Were you told that the money comes back afterwards?"),
        Question("gain", "对方是不是保证您一定能赚钱？", "Were you promised a sure profit?"),
        Question("first", "是不是要先交钱，才能拿到钱？", "Do you have to pay first to get your money?"),
        Question(
            "checked",
            "您用原来的号码跟本人核实过吗？",
            "Have you checked with them on the number you always had?",
            bad=False,
        ),
        Question("secret", "有没有人让您别告诉家里人？", "Were you asked to keep this from your family?"),
        Question("collect", "钱或者黄金，是不是有人来取？", "Is somebody coming to collect the money or the gold?"),
        Question(
            "others", "这是不是别人的钱，经您的卡走一下？", "Is it somebody else's money passing through your card?"
        ),
    )
}

_ROWS: Final = (
    Indicator(
        "safe_account",
        3.0,
        "要把钱转到所谓的安全账户",
        "Money is to go to a so-called safe account",
        ("who", "back", "secret"),
    ),
    Indicator(
        "code_requested", 3.0, "有人要验证码或密码", "Somebody asks for a code or a PIN", ("code", "phone", "who")
    ),
    Indicator(
        "screen_control",
        2.5,
        "有人在看屏幕或远程操作",
        "Somebody watches or controls the phone",
        ("screen", "phone", "who"),
    ),
    Indicator(
        "authority",
        2.0,
        "自称公检法或官方来电",
        "A caller claims to be police, court or an office",
        ("who", "secret", "back"),
    ),
    Indicator("secrecy", 2.0, "被要求保密", "The visitor was told to keep it secret", ("secret", "told", "who")),
    Indicator(
        "told_what_to_say",
        3.0,
        "有人教怎么应付银行",
        "Somebody taught the visitor what to tell the bank",
        ("told", "who", "met"),
    ),
    Indicator("dictated_live", 2.0, "有人正在电话里指挥", "Somebody dictates over the phone", ("phone", "who", "told")),
    Indicator("deadline", 0.6, "被催着马上办", "The visitor is being hurried", ("who", "checked", "met")),
    Indicator("threatened", 1.2, "受到威胁或恐吓", "The visitor is being threatened", ("who", "secret", "checked")),
    Indicator(
        "investment_promise",
        1.8,
        "承诺稳赚的投资或老师带单",
        "A sure profit, or a 'teacher' and a group",
        ("gain", "met", "first"),
    ),
    Indicator(
        "task_rebate", 2.2, "刷单、垫付、做任务返钱", "Paid tasks with money put up first", ("first", "met", "who")
    ),
    Indicator("online_romance", 2.2, "网上认识、没见过面的人", "Somebody known only online", ("met", "who", "checked")),
    Indicator(
        "relative_in_trouble",
        2.0,
        "自称亲友用新号求救要钱",
        "A relative in trouble, on a new number",
        ("checked", "secret", "who"),
    ),
    Indicator(
        "boss_by_chat",
        2.0,
        "领导在聊天里要求转账，或账号换了",
        "A boss's order by chat, or changed bank details",
        ("checked", "met", "who"),
    ),
    Indicator(
        "refund_or_cancel",
        1.3,
        "退款、理赔、注销之类的来电",
        "A call about a refund, a claim or a cancellation",
        ("code", "screen", "who"),
    ),
    Indicator(
        "link_entered", 2.0, "在链接或二维码里填过卡号密码", "Card or PIN entered on a link", ("code", "who", "screen")
    ),
    Indicator("fee_first", 1.5, "先交钱才能拿到钱", "A payment before money is released", ("first", "met", "who")),
    Indicator(
        "windfall",
        1.6,
        "天上掉下来的奖金、补贴、遗产",
        "A prize, grant or inheritance out of nowhere",
        ("first", "met", "who"),
    ),
    Indicator(
        "courier_handover",
        2.2,
        "现金或黄金要交给来取的人",
        "Cash or gold is handed to a collector",
        ("collect", "met", "secret"),
    ),
    Indicator(
        "lends_account",
        2.2,
        "拿自己的卡替别人走账",
        "The visitor's card is used for others' money",
        ("others", "met", "who"),
    ),
    Indicator("virtual_currency", 1.0, "要换成虚拟币", "Money is turned into virtual currency", ("gain", "met", "who")),
    Indicator("gift_cards", 2.0, "用礼品卡付款", "Payment by gift cards", ("who", "checked", "met")),
    Indicator(
        "health_pitch",
        1.5,
        "讲座、保健品或养老项目推销",
        "Sold at a lecture: cures, homes for the old",
        ("who", "secret", "gain"),
    ),
    Indicator(
        "unknown_payee",
        0.9,
        "收款人不认识或对不上",
        "The payee is unknown or does not match",
        ("met", "checked", "who"),
    ),
    Indicator("verify_funds", 1.6, "为了验资、刷流水而转账", "Money is moved to prove funds", ("back", "who", "first")),
    Indicator(
        "distrust_bank", 1.8, "被教着防备银行", "The visitor was turned against the bank", ("told", "who", "secret")
    ),
    Indicator(
        "loosens_protection",
        1.6,
        "应别人要求放宽限额或关提醒",
        "Limits or alerts are changed at another's wish",
        ("who", "phone", "told"),
    ),
    Indicator(
        "instructed", 1.2, "按别人的吩咐办", "The visitor follows somebody's instructions", ("who", "met", "told")
    ),
    Indicator("large_sum", 0.4, "金额较大", "A large sum", ("who", "met", "checked")),
    # the whole of it, as the trained judge sees it, where no single word says so
    Indicator("sounds_alike", 0.0, "整段话像已知的骗局", "The story resembles known swindles"),
    # what is known besides the words
    Indicator("on_phone", 0.8, "边打电话边办", "The visitor is on the phone meanwhile", ("phone", "who", "told")),
    Indicator("elder", 0.3, "长者", "An elderly visitor"),
    Indicator("comes_again", 0.5, "今天来了好几次", "Several visits today", ("who", "told", "met")),
    Indicator("unusual_amount", 0.6, "金额不同寻常", "An unusual amount", ("who", "met", "checked")),
    Indicator("new_payee", 0.4, "第一次给这个人转", "The first payment to this payee", ("met", "checked", "who")),
    Indicator("odd_hour", 0.3, "时间不寻常", "An unusual hour"),
    Indicator("afraid", 0.7, "声音里听得出害怕", "The voice sounds afraid", ("who", "secret", "phone")),
    Indicator("money_wish", 0.2, "要动钱", "Money is to be moved"),
    # what the visitor answered to our questions
    Indicator("admitted", 2.5, "本人的回答印证了风险", "The visitor's own answer confirms the risk"),
)
INDICATORS: Final[dict[str, Indicator]] = {row.id: row for row in _ROWS}

WARNING: Final = (
    "请先停一停，这笔钱不要转，也不要取。这很像骗局，我已经请同事过来了。",
    "Please stop. Do not transfer or withdraw this money. It looks like a scam. I am calling a colleague.",
)
"""Said when the level is high, in both languages: Mandarin, English."""
