"""The fleet's words in both languages."""

from __future__ import annotations

from typing import Final

from hub.labels import Pair

STATUS: Final[dict[str, Pair]] = {
    "running": ("进行中", "Running"),
    "soaking": ("观察中", "Watched"),
    "waiting": ("等待批准", "Waits for a person"),
    "paused": ("已暂停", "Paused"),
    "returning": ("正在退回", "Going back"),
    "finished": ("已完成", "Finished"),
    "stopped": ("已停止", "Stopped"),
    "returned": ("已退回", "Went back"),
}
REASONS: Final[dict[str, Pair]] = {
    "approve": ("下一批要人批准", "the next wave needs an approval"),
    "nobody": ("没有终端回应", "no terminal answered"),
    "failed": ("失败台数到限", "limit of failures reached"),
    "failed_share": ("失败比例到限", "limit of the share of failures reached"),
    "done_share": ("成功比例不足", "too few succeeded"),
    "abort": ("人工中止", "aborted by a person"),
    "person": ("人工暂停", "by a person"),
}
STATES: Final[dict[str, Pair]] = {
    "done": ("完成", "done"),
    "failed": ("失败", "failed"),
    "in_hand": ("进行", "in hand"),
    "absent": ("未回应", "absent"),
    "queued": ("排队", "queued"),
    "returned": ("退回", "went back"),
    "stuck": ("未退回", "did not go back"),
    "left_out": ("未开始", "never asked"),
}
ALARMS: Final[dict[str, Pair]] = {
    "offline": ("离线", "Offline"),
    "hot": ("过热", "Hot"),
    "disk": ("磁盘将满", "Disk nearly full"),
    "microphone_dead": ("麦克风不工作", "Microphone dead"),
    "camera_dead": ("摄像头不工作", "Camera dead"),
    "speaker_dead": ("扬声器不工作", "Speaker dead"),
    "printer": ("打印机故障", "Printer fault"),
    "screen_dead": ("屏幕不工作", "Screen dead"),
    "restarts": ("频繁重启", "Restarts often"),
    "messages_stuck": ("消息积压", "Messages pile up"),
    "camera_covered": ("镜头被挡或被转动", "Camera covered or turned"),
    "paper_low": ("纸快用完", "Paper low"),
    "paper_out": ("没有纸", "No paper"),
    "paper_jammed": ("卡纸", "Paper jammed"),
    "queue_stuck": ("有人等候，没有叫号", "People wait, nobody is called"),
    "certificate": ("证书将到期", "Certificate ends soon"),
    "not_returned": ("没有退回旧版", "Did not go back"),
}
ACTS: Final[dict[str, Pair]] = {
    "approve": ("批准下一批", "Approve"),
    "pause": ("暂停", "Pause"),
    "resume": ("继续", "Resume"),
    "abort": ("中止并退回", "Abort"),
}
ORDERS: Final[tuple[tuple[str, dict[str, object], Pair], ...]] = (
    ("self_test", {"kind": "self_test"}, ("自检", "Self-test")),
    ("diagnostics", {"kind": "diagnostics"}, ("诊断包", "Diagnostics")),
    ("live_tail", {"kind": "live_tail"}, ("实时日志", "Live log")),
    ("screenshot", {"kind": "screenshot"}, ("截屏…", "Screenshot …")),
    ("restart_core", {"kind": "restart_part", "part": "core"}, ("重启主程序…", "Restart the core …")),
    ("restart_screen", {"kind": "restart_part", "part": "screen"}, ("重启屏幕…", "Restart the screen …")),
    ("out", {"kind": "out_of_service", "on": True}, ("停用…", "Out of service …")),
    ("in", {"kind": "out_of_service", "on": False}, ("恢复使用…", "Back in service …")),
)
ORDER_STATES: Final[dict[str, Pair]] = {
    "waiting": ("等第二人同意", "Waits for a second person"),
    "sent": ("已发出", "Sent"),
    "taken": ("已收到", "Taken"),
    "done": ("完成", "Done"),
    "failed": ("没有成功", "Failed"),
    "refused": ("终端拒绝", "Refused by the terminal"),
    "expired": ("过期", "Ran out"),
    "not_agreed": ("没有人同意", "Nobody agreed"),
}
EVENTS: Final[dict[str, Pair]] = {
    "device_missing": ("设备丢失", "A device is missing"),
    "device_found": ("设备恢复", "A device is back"),
    "self_tested": ("自检", "Self-test"),
    "staff_called": ("请工作人员", "Staff called"),
    "face_checked": ("比对人脸", "A face was compared"),
}
