"""What the pages of a form say to the visitor, in both languages. Figures and rules are the form's."""

from __future__ import annotations

from typing import Final

from contracts.screen import Language
from contracts.together import ErrandKind, Trouble

Pair = tuple[str, str]

TROUBLES: Final[dict[Trouble, Pair]] = {
    "": ("", ""),
    "empty": ("还没填", "Still empty"),
    "number": ("请填数字", "A number, please"),
    "small": ("太小了", "Too small"),
    "large": ("太大了", "Too large"),
    "length": ("位数不对", "Not the right number of digits"),
    "digits": ("只能是数字", "Digits only"),
    "check": ("号码不对，请核对", "That number cannot be right"),
    "choice": ("请选一个", "Please choose one"),
    "differs": ("两次不一样", "The two differ"),
    "date": ("日期不对", "That date cannot be right"),
}
HINT_KEYS: Final = ("请输入：{label}", "Please type: {label}")
HINT_CHOICES: Final = ("请选择：{label}", "Please choose: {label}")
HINT_SECRET: Final = ("请输入：{label}。柜员看不到", "Please type: {label}. The teller cannot see it")
HINT_DESK: Final = ("柜员正在填写，请看着核对", "The teller is writing. Please look whether it is right")
HINT_SIGN: Final = ("请核对上面的内容，用手指在框里签名", "Please check the above and sign in the box with your finger")
HINT_TOO_LITTLE: Final = ("签名太短了，请签全名", "That is too short. Please write your full name")
NEXT: Final = ("下一项", "Next")
BACK: Final = ("上一项", "Previous")
ERASE: Final = ("删除", "Delete")
CLEAR: Final = ("重签", "Clear")
DECLINE: Final = ("我不签", "I won't sign")
DONE: Final = ("签好了", "Done")
PAD: Final = ("签名处", "Sign here")
SIGNED_TITLE: Final = ("已经签好", "Signed")
SIGNED_TEXT: Final = (
    "您签的是《{title}》，编号 {code}。柜员继续为您办理。",
    "You signed '{title}', number {code}. The teller goes on with it.",
)
NOT_KEPT: Final = (
    "机器没能保存您的签名，这份表格不作数。请柜员改用别的办法。",
    "Your signature could not be stored, so it does not count. The teller will find another way.",
)
UNDERSTOOD: Final = ("知道了", "I see")
YES: Final = ("可以", "Yes")
NO: Final = ("不用了", "No")
ASKS: Final[dict[ErrandKind, Pair]] = {
    "document": ("柜员请您再拍一次证件，可以吗？", "The teller asks for a new photo of your document. May I?"),
    "face": (
        "柜员请您做一次人脸核对：看一下您的脸，和证件照片比。只在这台机器上，办完就删。可以吗？不做也能办。",
        "The teller asks to compare your face with your ID photo: only on this machine, then deleted. May I? "
        "It works without, too.",
    ),
    "read": ("请您看一下", "Please read this"),
    "print": ("", ""),
}
LOOKING: Final[dict[ErrandKind, Pair]] = {
    "document": ("拍证件", "Your document"),
    "face": ("人脸核对", "Checking your face"),
    "read": ("", ""),
    "print": ("", ""),
}
LOOK_HERE: Final = ("请看着屏幕。", "Please look at the screen.")
STOP: Final = ("不拍了", "Stop this")
FROM_TELLER: Final = ("柜员请您看", "From the teller")
RECEIPT_TITLE: Final = ("办理小票", "Summary")
RECEIPT_SIGNED: Final = ("已签名", "Signed")


def in_(pair: Pair, language: Language) -> str:
    """The text in the page's language."""
    return pair[0] if language == "zh" else pair[1]
