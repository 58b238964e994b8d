"""One visit: everything the terminal knows about the person in front of it, in one place, so that it can be
forgotten in one place.
"""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from config.persona import Profile
from contracts.handover import MAX_LINES, MAX_TRIED, Mood, RiskFound
from contracts.identity import Verdict
from contracts.screen import Caption, DocumentView, FaceView, Language, Mode, Need, TicketView
from kiosk.banking.ports import Identified
from kiosk.dialogue.flows import Place
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.reply import Concern, Pace, Reply
from kiosk.identity.verdict import FaceFinding, NameFinding
from kiosk.opinion.asking import UNHEARD_MOST, Unheard
from kiosk.queueing.appointments import Booked
from kiosk.queueing.desk import Ticket
from kiosk.vision.documents.session import DocumentRead

COMPANION: Final = "companion"  # the target by which a visitor says that the other voice is theirs
SPEEDS: Final = (0.7, 1.3)
SPEED_STEP: Final = 0.15
GAINS_DB: Final = (-6.0, 6.0)
GAIN_STEP_DB: Final = 3.0
# Wishes about the talk itself: none that somebody has to take over.
TALK: Final = frozenset(
    (
        "affirm",
        "deny",
        "thanks",
        "repeat",
        "greet",
        "goodbye",
        "adjust_speech",
        "change_language",
        "chitchat",
        "cancel",
        "other",
    )
)
Outcome = Literal["answered", "ticket", "handed_over", "cancelled", "left", "unknown"]


@dataclass(slots=True)
class Story:
    """What whoever takes over should not have to ask again."""

    lines: deque[tuple[Literal["visitor", "receptionist"], str]] = field(
        default_factory=lambda: deque(maxlen=MAX_LINES), repr=False
    )
    wish: tuple[str, float] | None = None  # the last one that was understood, and how surely
    tried: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_TRIED))  # actions with their outcomes
    stuck: int = 0  # times in a row that she did not follow, as long as no wish went on since
    mood: Mood | None = None
    risk: RiskFound | None = field(default=None, repr=False)
    asked: set[str] = field(default_factory=set)  # questions that break the spell
    consoled: set[str] = field(default_factory=set)  # openings that were said
    offered: bool = False  # a person, to somebody upset
    packets: int = 0  # hand-overs so far


@dataclass(slots=True)
class Visit:
    """Private: never logged, never sent; gone when the visit ends."""

    started_ns: int
    noticed_by: Literal["camera", "touch", "voice"]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    language: Language = "zh"
    mode: Mode = "standard"
    place: Place | None = None
    last: Reply | None = None
    heard: str = ""
    heard_final: bool = True
    caption: Caption | None = None  # the receptionist's
    ticket: Ticket | None = None
    ticket_view: TicketView | None = None
    printed: bool = False
    booked: Booked | None = field(default=None, repr=False)  # an appointment that was found, and gives the next ticket
    lookups: int = 0  # appointments that were looked for
    opinion: int | None = None
    opinion_asked: bool = False
    sampled: bool = False  # asked whether they would recommend the bank
    recommended: int | None = None
    commented: bool = False
    unheard: list[Unheard] = field(default_factory=list, repr=False)
    turns: int = 0
    misunderstood: int = 0
    wordless: int = 0  # sounds in a row that were a voice and no words
    prompts: int = 0
    asked_ns: int = 0  # when they were last asked whether they are there
    companion_offered: bool = False  # another near voice was ignored: it may belong to this visitor
    outcome: Outcome = "unknown"
    case: str = ""  # of the remote teller that was asked for, while it is open
    typed: str = field(default="", repr=False)  # on the keypad, not yet confirmed
    speed: float = 1.0  # as the visitor asked for: times the usual pace
    gain_db: float = 0.0  # as the visitor asked for: above the usual level
    bank: Identified | None = field(default=None, repr=False)  # who the core bank says this is, for a while
    face: FaceFinding | None = field(
        default=None, repr=False
    )  # what the check of the face came to, or that it was refused
    checked_document: str = field(default="", repr=False)  # the number with which the face was compared
    remembering: Literal["", "asked"] = ""  # whether they may be known next time; asked once
    name: NameFinding | None = None  # what the name that was said or typed came to
    identity: Verdict | None = None  # what face, document, number and name came to together
    story: Story = field(default_factory=lambda: Story(), repr=False)
    concern: Concern = field(default_factory=Concern, repr=False)
    document: DocumentRead | None = field(default=None, repr=False)  # the last that was read
    looking: DocumentView | None = None  # a document is being held up just now
    looks: int = 0  # times that one was asked for before the camera
    needs: tuple[Need, ...] = ()  # strong contrast, captions first, everything spoken, lower down
    text_percent: int = 0  # size of letters that was asked for, beside the mode; 0: the site's
    revealed: bool = False  # what is private is readable, for seconds
    away: bool = False  # the visitor looks away or stepped back: what is private is covered
    pointed: str = ""  # the target that was read aloud, and is chosen by a second touch
    offset: int = 0  # of a list of choices that is longer than the page
    checking: FaceView | None = None  # a face is being looked at just now
    ends_in_s: int = 0  # until the visit ends by itself
    manner: Profile = "standard"  # as the visitor's words ask for, beside the size of letters

    def said(self, words: Words, meaning: Meaning) -> None:
        """Keep a turn of the visitor for whoever takes over; where a PIN or a name is asked for nothing is kept."""
        if not words.clear or self.private or (self.last and self.last.keypad and self.last.keypad.secret):
            return
        self.story.lines.append(("visitor", words.text))
        intent = meaning.ranked[0][0] if meaning.ranked else "other"
        believed = meaning.decision == "act" or (meaning.decision == "ask" and intent != "abusive")
        if believed and intent not in TALK:
            self.story.wish = meaning.ranked[0]

    def missed(self, words: Words, meaning: Meaning, reply: Reply) -> None:
        """Keep, while the visit lasts, a sentence that got no answer."""
        asked = self.place
        secret = bool(self.last and self.last.keypad)
        there = reply.place
        unanswered = meaning.decision == "act" and there is not None and there.way == "person:offer"
        if not words.clear or secret or not (unanswered or (meaning.decision == "unsure" and reply.misunderstood)):
            return
        if asked is not None and asked.flow == "opinion":
            return
        guess = meaning.ranked[0][0] if meaning.ranked else None
        if len(self.unheard) < UNHEARD_MOST:
            self.unheard.append(Unheard(words.text, words.language, guess, "unanswered" if unanswered else "unsure"))

    def answered(self, reply: Reply) -> None:
        """Keep what she answers, and whether she followed."""
        self.story.lines.append(("receptionist", reply.text))
        place = reply.place
        if reply.misunderstood or (place and place.step == "offer_after_trouble"):
            self.story.stuck += 1
        elif not (place and place.flow in ("person", "caution")):
            self.story.stuck = 0

    @property
    def private(self) -> bool:
        """Whether what is asked for just now is neither shown nor kept: a name."""
        return bool(self.last and self.last.keypad and self.last.keypad.private)

    @property
    def profile(self) -> Profile:
        """How to speak to this visitor."""
        return "elder" if self.mode == "elder" else self.manner

    def adjust(self, how: Pace | None) -> None:
        """Slower, faster, louder or quieter, one step, between bounds."""
        match how:
            case "slower":
                self.speed = max(SPEEDS[0], round(self.speed - SPEED_STEP, 2))
            case "faster":
                self.speed = min(SPEEDS[1], round(self.speed + SPEED_STEP, 2))
            case "louder":
                self.gain_db = min(GAINS_DB[1], self.gain_db + GAIN_STEP_DB)
            case "quieter":
                self.gain_db = max(GAINS_DB[0], self.gain_db - GAIN_STEP_DB)

    @property
    def spoken(self) -> Language | None:
        """The language of the conversation; None while she alone has spoken: the greeting's is a guess."""
        return self.language if self.turns else None

    def captions(self) -> tuple[Caption, ...]:
        """The visitor's last words above the receptionist's, as the page shows them."""
        heard = Caption("visitor", self.heard, final=self.heard_final) if self.heard else None
        return tuple(caption for caption in (heard, self.caption) if caption)
