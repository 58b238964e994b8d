"""What working together is called at the desk, in both languages."""

from __future__ import annotations

from typing import Final

from contracts.together import ErrandKind, ErrandOutcome, FormState, Found, Trouble
from hub.labels import Pair

FORM_STATES: Final[dict[FormState, Pair]] = {
    "filling": ("填写中", "Being filled in"),
    "signing": ("客户正在签名", "The visitor is signing"),
    "signed": ("已签名", "Signed"),
    "declined": ("客户没有签", "The visitor did not sign"),
    "not_kept": ("签名没能保存", "The signature was not kept"),
}
TROUBLES: Final[dict[Trouble, Pair]] = {
    "": ("", ""),
    "empty": ("还没填", "Empty"),
    "number": ("不是数字", "No number"),
    "small": ("太小", "Too small"),
    "large": ("太大", "Too large"),
    "length": ("位数不对", "Length"),
    "digits": ("只能是数字", "Digits only"),
    "check": ("校验位不对", "Check digit"),
    "choice": ("没有这一项", "No such choice"),
    "differs": ("两次不一样", "Differ"),
    "date": ("日期不对", "Date"),
}
ERRANDS: Final[dict[ErrandKind, Pair]] = {
    "read": ("请客户看", "Shown"),
    "document": ("重拍证件", "Document photo"),
    "face": ("人脸核对", "Face check"),
    "print": ("打印小票", "Receipt"),
}
OUTCOMES: Final[dict[ErrandOutcome, Pair]] = {
    "asked": ("等客户", "Waiting"),
    "working": ("正在做", "Working"),
    "done": ("好了", "Done"),
    "read": ("客户看了", "Read"),
    "declined": ("客户不愿意", "Declined"),
    "not_available": ("这台机器没有", "Not available here"),
    "unknown": ("知识包里没有", "Not in the pack"),
    "failed": ("没做成", "Failed"),
    "no_paper": ("没有纸", "No paper"),
}
FOUND: Final[dict[Found, Pair]] = {
    "": ("", ""),
    "sound": ("证件没有问题", "The document is sound"),
    "doubtful": ("可能是复印件，请当心", "It may be a copy: take care"),
    "refused": ("证件核对不符", "The document does not hold"),
    "expired": ("证件过期了", "The document has expired"),
    "unreadable": ("没看清", "It could not be read"),
    "other_document": ("不是身份证", "Not an identity card"),
    "same_person": ("是证件上的本人", "The person on the document"),
    "another_person": ("不像证件上的人", "Not the person on the document"),
    "unclear": ("说不准", "Cannot say"),
    "guardian": ("证件上的人未满 14 岁，要监护人同意", "Under 14: a guardian has to agree"),
    "no_document": ("读卡区没有证件照片", "No document with a photo in the reader"),
}
SECONDS: Final[dict[str, Pair]] = {
    "waiting": ("等主管复核", "Waiting for a second person"),
    "approved": ("主管已同意", "Approved"),
    "refused": ("主管不同意", "Refused"),
}
PAGES: Final[dict[str, Pair]] = {
    "attract": ("待机", "Idle"),
    "conversation": ("对话", "Conversation"),
    "keypad": ("数字键盘", "Keypad"),
    "ticket": ("取号", "Ticket"),
    "opinion": ("评价", "Opinion"),
    "goodbye": ("再见", "Goodbye"),
    "outage": ("故障", "Out of order"),
    "staff": ("员工页", "Staff"),
    "form": ("表格", "Form"),
    "sign": ("签名", "Signature"),
    "reading": ("阅读", "Reading"),
    "choices": ("选择", "Choices"),
    "confirm": ("核对", "Looking it over"),
    "waiting": ("等候", "Waiting"),
    "called": ("叫号", "Called"),
    "map": ("指路", "The way"),
    "ways": ("显示方式", "Ways to see and hear"),
    "document": ("看证件", "Document"),
    "face": ("看脸", "Face"),
    "call": ("视频", "Video call"),
}
