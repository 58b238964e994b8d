"""What the core tells the screen and what the screen tells the core, over a local socket.

The core sends whole snapshots (`ScreenState`): the screen decides nothing and may be restarted at any
moment; the next snapshot brings it up to date. Times are `CLOCK_MONOTONIC` nanoseconds, which both
processes of one machine share.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from contracts.speech import VisemeSpan
from contracts.tickets import TicketState

PAD: Final = "pad"
"""The target on which a visitor signs: lines are drawn on it, it is not pressed."""
PAD_UNITS: Final = (968, 520)
"""Width and height of the pad, in the units of its lines."""
STAFF_GESTURE: Final = "staff_gesture"
"""The touch that the screen reports after both lower corners were held: no target is drawn for it."""
SPOKEN_GESTURE: Final = "spoken_gesture"
"""The touch after the lower right corner alone was held: whoever cannot see asks for everything to be spoken."""
CORNERS: Final = ("corner_repeat", "corner_back", "corner_louder", "corner_human")
"""The corners of the lower half while everything is spoken: upper left, upper right, lower left, lower right."""
LEVEL_MS: Final = 20
LEVEL_FLOOR_DB: Final = -60.0
MAX_MESSAGE_BYTES: Final = 256 * 1024  # a snapshot is about 3 KiB; a minute of visemes about 20 KiB

PICTURE_PART_BYTES: Final = 128 * 1024
PICTURE_MOST_BYTES: Final = 6 * 1024 * 1024  # of a page that is sent to whoever looks after the terminal

Page = Literal["attract", "conversation", "choices", "keypad", "confirm", "ticket", "waiting", "called", "map", "ways",
               "document", "face", "call", "form", "sign", "reading", "opinion", "goodbye", "outage",
               "staff", "join"]  # fmt: skip
Language = Literal["zh", "en"]
Mode = Literal["standard", "elder"]
Need = Literal["contrast", "captions", "spoken", "low"]
"""What a visitor needs beside the size of letters: strong contrast; captions first (who cannot hear); everything
spoken and chosen without looking (who cannot see); what is pressed further down (who sits)."""
Listening = Literal["off", "listening", "thinking", "speaking", "muted", "unavailable"]
Gesture = Literal["rest", "wave", "present", "point", "stop", "count", "thumbs", "heart"]
Expression = Literal["neutral", "warm", "listening", "thinking", "concerned", "firm", "glad"]
TargetKind = Literal["chip", "primary", "quiet", "human", "dock", "microphone", "smiley", "score", "card", "key"]


class Caption(msgspec.Struct, frozen=True):
    """One speech bubble. `spoken` counts the characters of `text` already heard (None: all of them)."""

    speaker: Literal["visitor", "receptionist"]
    text: str
    translation: str = ""
    final: bool = True  # False: still being recognised or spoken
    spoken: int | None = None
    interrupted: bool = False  # the visitor talked over it: drawn ending with an ellipsis


class Target(msgspec.Struct, frozen=True):
    """Something that can be pressed. `label` is drawn, `spoken_label` is what a blind visitor hears."""

    id: str
    label: str
    spoken_label: str
    kind: TargetKind
    detail: str = ""
    icon: str = ""
    selected: bool = False
    enabled: bool = True


class TicketView(msgspec.Struct, frozen=True):
    """The ticket as the page shows it. `ahead` and `wait_min` are None while the hub's queue is unknown."""

    number: str
    service: str
    issued_at: str  # local time as printed, e.g. '11月21日 10:26'
    ahead: int | None = None
    wait_min: tuple[int, int] | None = None  # minutes: most people, hardly anybody longer
    qr: str = ""  # text of the QR code


class Entry(msgspec.Struct, frozen=True):
    """What is being typed on the keypad. A secret comes as dots; `most` digits can be typed."""

    text: str
    most: int
    money: bool = False
    secret: bool = False  # keys do not light up under the finger either


class QueueLine(msgspec.Struct, frozen=True):
    """One service's line on the attract page."""

    name: str
    waiting: int
    wait_min: tuple[int, int] | None = None  # minutes: half of all people, nine of ten
    slower: bool = False  # than those who wait were told


class CalledView(msgspec.Struct, frozen=True):
    """A number that was called: large on the attract page, for who cannot hear it."""

    number: str
    counter: str  # '': to the counter, whichever it is
    again: bool = False


class StaffRow(msgspec.Struct, frozen=True):
    """One open ticket of this terminal, as its staff see it."""

    number: str
    service: str  # its name in the page's language
    waited_min: int
    state: TicketState
    counter: str = ""


StaffTrouble = Literal["", "hub_is_there", "nobody", "not_now", "not_kept"]


class StaffView(msgspec.Struct, frozen=True):
    """The staff's page: this terminal's line, and how it stands with the hub."""

    rows: tuple[StaffRow, ...]
    waiting: int  # in line; `rows` may be cut
    hub: bool  # it can be reached: calls are made at its desks
    owed: int  # messages in the outbox
    counter: str  # the one that is worked at
    now: StaffRow | None  # who is at that counter
    ends_after_s: int
    trouble: StaffTrouble = ""


FieldInput = Literal["keys", "choices", "desk"]


class FieldRow(msgspec.Struct, frozen=True):
    """One field of a form. A masked value comes as dots."""

    label: str
    shown: str
    trouble: str = ""  # in words; empty: none
    here: bool = False  # the visitor is at it
    teller: bool = False  # the teller has it in hand


class FormView(msgspec.Struct, frozen=True):
    """A page of a form that visitor and teller fill together. `typed_at` says how the field at hand is filled."""

    title: str
    step: str
    rows: tuple[FieldRow, ...]
    hint: str
    typed_at: FieldInput = "keys"
    secret: bool = False  # keys do not light up under the finger


class PadView(msgspec.Struct, frozen=True):
    """The document to be signed, and the lines that were drawn on the pad so far, in units of the pad."""

    title: str
    lines: tuple[str, ...]
    declares: str
    code: str  # the first letters of the document's hash: what the receipt and the desk show, too
    strokes: tuple[tuple[tuple[int, int, int], ...], ...] = ()
    hint: str = ""


class ConfirmRow(msgspec.Struct, frozen=True):
    """One thing that was understood. What is private comes masked until the visitor asks to see it."""

    label: str
    shown: str
    private: bool = False


class ConfirmView(msgspec.Struct, frozen=True):
    """What will be done, to be looked at before it is. `open`: private rows are readable now, for seconds."""

    rows: tuple[ConfirmRow, ...]
    open: bool = False


class FaceView(msgspec.Struct, frozen=True):
    """A face is being checked: what to do now, and which of the steps are behind. No picture, no score."""

    advice: str
    advice_other: str  # the same in the other language
    done: int = 0  # steps that are behind
    steps: int = 0
    state: Literal["looking", "done"] = "looking"
    light: str = ""  # '#rrggbb' over the whole page, for a moment: what the face does in it is looked at


class MapPlace(msgspec.Struct, frozen=True):
    """A place of the branch as drawn: its box in shares of the plan's width and height."""

    label: str
    box: tuple[float, float, float, float]  # x, y, width, height, 0..1
    goal: bool = False


class MapView(msgspec.Struct, frozen=True):
    """The branch's plan with the way to walk. `route` begins where the terminal stands; empty: no way is known."""

    places: tuple[MapPlace, ...]
    route: tuple[tuple[float, float], ...]
    shape: float  # width / height of the plan
    metres: int = 0  # along the route; 0: not known


class ReadingView(msgspec.Struct, frozen=True):
    """A text to read, or something that the teller asks for; the buttons are targets."""

    title: str
    text: str
    source: str = ""


class DocumentView(msgspec.Struct, frozen=True):
    """A document is being held up: what the hand should do, and where the camera sees it. No picture, nothing read."""

    advice: str
    advice_other: str  # the same in the other language
    corners: tuple[float, ...] = ()  # x, y of four corners, 0..1 of the camera's picture as in a mirror; (): none seen
    shape: float = 16 / 9  # width / height of the camera's picture
    state: Literal["looking", "reading", "read"] = "looking"


JoinStands = Literal["asking", "no_line", "joined", "revoked"]
JoinTrial = Literal["touch", "camera", "speak", "sound", "paper"]


class JoinTry(msgspec.Struct, frozen=True):
    """One thing that is tried out before a terminal serves anybody."""

    trial: JoinTrial
    state: Literal["open", "here", "works", "fails"] = "open"


class JoinView(msgspec.Struct, frozen=True):
    """A terminal that does not belong yet, or no longer: its code, how it stands, and what is tried out meanwhile."""

    stands: JoinStands
    code: str = ""  # eight letters; empty: there is none to show
    name: str = ""  # branch/device, once it has one
    tries: tuple[JoinTry, ...] = ()


class DeviceLights(msgspec.Struct, frozen=True):
    """Which devices are in use, declared on every page; `missing` names those that should be there."""

    microphone: bool = True
    camera: bool = True
    missing: tuple[str, ...] = ()


class ScreenState(msgspec.Struct, frozen=True, tag="state"):
    """Everything that is on the screen, whole. Touches quote its `revision`."""

    revision: int
    page: Page
    language: Language
    bank: str
    branch: str
    mode: Mode = "standard"
    headline: str = ""
    headline_translation: str = ""
    note: str = ""
    captions: tuple[Caption, ...] = ()
    targets: tuple[Target, ...] = ()
    listening: Listening = "off"
    expression: Expression = "warm"
    gesture: Gesture = "rest"
    point_at: str = ""  # the target that a pointing hand points to; empty or not drawn: to what can be pressed
    count: int = 1  # 1..5: fingers, while she counts
    persona: str = "xiaoying"  # who receives: a file of `avatar/looks`
    gaze: tuple[float, float] = (0.0, 0.0)  # -1..1 each; where the visitor's face is, from her eyes
    ticket: TicketView | None = None
    queue: tuple[QueueLine, ...] = ()
    open_until: str = ""  # e.g. '17:00'
    lights: DeviceLights = DeviceLights()
    entry: Entry | None = None
    staff: StaffView | None = None
    called: CalledView | None = None
    form: FormView | None = None
    pad: PadView | None = None
    reading: ReadingView | None = None
    document: DocumentView | None = None
    join: JoinView | None = None
    teller_pictures: str = ""  # where a teller's pictures lie (`kiosk/call/board.py`); empty: no call
    needs: tuple[Need, ...] = ()
    text_percent: int = 100  # size of all letters, 96 to 200; large letters are at least 160
    confirm: ConfirmView | None = None
    face: FaceView | None = None
    map: MapView | None = None
    mirror_pictures: str = ""  # where the visitor's own picture lies while it is shown; empty: it is not
    veiled: bool = False  # the visitor looks away or has stepped back: what is private is not readable
    ends_in_s: int = 0  # the visit ends by itself unless somebody touches or speaks; 0: it does not


class SpeechPlan(msgspec.Struct, frozen=True, tag="speech"):
    """The mouth shapes of one clause. Clauses of an utterance follow each other; positions never restart."""

    utterance: str
    rate_hz: int
    visemes: tuple[VisemeSpan, ...]
    levels_from: int = 0  # the sample with which `levels` begin
    levels: bytes = b""  # how loud each LEVEL_MS is, 0 (-60 dBFS or less) .. 255 (full scale); empty: not known


class SpeechClock(msgspec.Struct, frozen=True, tag="clock"):
    """At `at_ns` the loudspeaker had played `samples_played` samples of `utterance`. Sent at least every 200 ms."""

    utterance: str
    samples_played: int
    at_ns: int


class SpeechStopped(msgspec.Struct, frozen=True, tag="silence"):
    """The utterance ended or was cut: the mouth closes now."""

    utterance: str


class Press(msgspec.Struct, frozen=True, tag="press"):
    """The finger of a recorded visitor: the screen turns it into a real input event at the target's centre."""

    target: str


class Scribble(msgspec.Struct, frozen=True, tag="scribble"):
    """The pen of a recorded visitor: real input events along `points` (shares of the pad's width and height)."""

    target: str
    points: tuple[tuple[float, float], ...]


class DrawPicture(msgspec.Struct, frozen=True, tag="draw_picture"):
    """Draw the present page once more without anything of a visitor, and send it."""

    number: int


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Finish the recording, if any, and exit."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The screen is up. `driver` is SDL's video driver ('x11', 'wayland', 'dummy', …)."""

    width: int
    height: int
    driver: str
    pid: int


class Touch(msgspec.Struct, frozen=True, tag="touch"):
    """A target was pressed. The core ignores targets that its current snapshot does not offer."""

    revision: int
    target: str
    at_ns: int


class Stroke(msgspec.Struct, frozen=True, tag="stroke"):
    """One line drawn on the pad, from the finger's coming to its leaving: x and y in units of the pad, milliseconds."""

    revision: int
    target: str
    points: tuple[tuple[int, int, int], ...]


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """Snapshot `revision` is on the glass since `at_ns`. `targets` are those actually drawn."""

    revision: int
    at_ns: int
    targets: tuple[str, ...] = ()


class Pace(msgspec.Struct, frozen=True, tag="pace"):
    """How the last seconds went: frames drawn, and the 95th percentile of drawing one, in milliseconds."""

    frames: int
    seconds: float
    frame_p95_ms: float
    core_share: float
    looks: int = 0  # times that the page was brought up to date, also where nothing had moved


class PicturePart(msgspec.Struct, frozen=True, tag="picture"):
    """A part of the PNG that was asked for under this number."""

    number: int
    part: int
    parts: int
    body: bytes


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """Something the screen could not do; `code` is stable, `detail` is for the log."""

    code: str
    detail: str


ToScreen = ScreenState | SpeechPlan | SpeechClock | SpeechStopped | Press | Scribble | DrawPicture | Close
ToCore = Ready | Touch | Stroke | Drawn | Pace | PicturePart | Fault
