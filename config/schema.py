"""Every knob of a terminal: unit, range, default and the reason for it. Unknown keys are refused."""

from __future__ import annotations

import os
from datetime import time
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from config.load import load_toml

CONFIG_DIR: Final = Path(__file__).parent
DEFAULT_SITE: Final = CONFIG_DIR / "sites" / "qinghe-binjiang.toml"
SITE_VARIABLE: Final = "YINGBIN_SITE"

WireName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Bank(Section):
    id: WireName = Field(description="which content pack and theme belong to it")
    name_zh: str = Field(min_length=1, max_length=24)
    name_en: str = Field(min_length=1, max_length=48)


class Hours(Section):
    opens: time = Field(description="local time")
    closes: time = Field(description="local time, after `opens`")

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        if self.closes <= self.opens:
            raise ValueError("closes must be later than opens")
        return self


class Branch(Section):
    id: WireName = Field(description="part of every MQTT topic: lower case letters, digits, hyphens")
    name_zh: str = Field(min_length=1, max_length=24)
    name_en: str = Field(min_length=1, max_length=48)
    plan: str = Field(
        default="",
        pattern=r"^[a-z0-9-]{0,60}$",
        description="its plan in `config/plans`; empty: none",
    )
    hours: dict[Weekday, Hours] = Field(default_factory=dict, description="days that are missing are closed")


class Device(Section):
    id: WireName = Field(description="unique in the branch; part of every MQTT topic")
    kiosk_digit: int = Field(ge=0, le=9, description="second sign of its ticket numbers: two kiosks never collide")


class Service(Section):
    id: WireName = Field(description="the one list for slots, counters, skills and forecast")
    letter: Annotated[str, StringConstraints(pattern=r"^[A-Z]$")]
    name_zh: str = Field(min_length=1, max_length=16)
    name_en: str = Field(min_length=1, max_length=32)
    intents: tuple[str, ...] = Field(min_length=1, description="wishes that lead to this service's ticket")
    minutes_typical: tuple[int, int] = Field(
        description="minutes one visitor takes at the counter: usual, seldom longer"
    )
    counters: int = Field(default=1, ge=1, le=50, description="counters that normally serve it")
    machine_intents: tuple[str, ...] = Field(
        default=(), max_length=40, description="wishes of it that a self-service machine in the lobby does, if any"
    )

    @model_validator(mode="after")
    def _minutes_in_order(self) -> Service:
        low, high = self.minutes_typical
        if not 1 <= low <= high <= 240:
            raise ValueError("minutes_typical must be [usual, seldom longer], between 1 and 240, in this order")
        return self


class Ports(Section):
    """Devices by name; 'auto' takes the system's default, 'none' does without."""

    microphone: str = Field(default="auto", max_length=200)
    speaker: str = Field(default="auto", max_length=200)
    camera: str = Field(default="auto", max_length=200, description="index, path or address of a video device")
    printer: str = Field(
        default="folder:out/tickets", max_length=300, description="file:/dev/usb/lp0, network:HOST:9100, folder:PATH"
    )
    code_reader: str = Field(
        default="camera",
        max_length=300,
        description="what reads QR codes that visitors show: camera, picture:PATH (what is held up, as a file), none",
        pattern=r"^(camera|none|picture:.+)$",
    )
    document_camera: str = Field(
        default="none",
        max_length=300,
        description="what sees documents that visitors hold up: camera (the one that sees visitors), device:NAME (one "
        "of its own, of 1280 x 720), picture:PATH (what is held up, as a file or a folder of them), none",
        pattern=r"^(camera|none|device:.+|picture:.+)$",
    )
    retry_s: float = Field(default=3.0, ge=0.5, le=60, description="how often a missing device is looked for again")


class Hearing(Section):
    voice_on: float = Field(
        default=0.6, gt=0, lt=1, description="probability that the visitor speaks, from which on speech begins"
    )
    voice_off: float = Field(default=0.55, gt=0, lt=1, description="below this, what began is silence again")
    min_speech_ms: int = Field(default=128, ge=32, le=2000, description="shorter sounds are clicks")
    pause_ms: int = Field(
        default=1300,
        ge=200,
        le=3000,
        description="silence that ends an utterance that may or may not be finished: elders pause 1.2 s inside one",
    )
    pause_brisk_ms: int = Field(
        default=750, ge=200, le=3000, description="the same for a visitor who never paused inside a sentence so far"
    )
    pause_finished_ms: int = Field(
        default=400, ge=200, le=3000, description="after a sentence that is surely finished: the brisk are not kept"
    )
    pause_unfinished_ms: int = Field(
        default=1600, ge=200, le=4000, description="after an open sentence or a half dictated number"
    )
    pause_shortest_ms: int = Field(default=320, ge=200, le=3000, description="no visitor's pace makes it shorter")
    pause_longest_ms: int = Field(default=2200, ge=400, le=5000, description="no visitor's pace makes it longer")
    elder_times: float = Field(default=1.4, ge=1, le=3, description="all pauses in elder mode are so much longer")
    look_ms: int = Field(
        default=128, ge=96, le=1000, description="silence after which the words so far are recognised ahead"
    )
    held_look_ms: int = Field(
        default=128, ge=64, le=1000, description="the same while she is held by what is said: a nod lets her go on"
    )
    partial_ms: int = Field(
        default=900, ge=300, le=10000, description="captions while speaking: recognised anew this often"
    )
    barge_in_ms: int = Field(
        default=224, ge=96, le=2000, description="so much voice over the receptionist holds her; a nod lets her go on"
    )
    died_ms: int = Field(default=256, ge=96, le=2000, description="silence that ends a 'mm-hm' over the receptionist")
    max_utterance_s: float = Field(default=25, ge=3, le=28, description="hard cap: the recogniser's window is 30 s")
    pre_roll_ms: int = Field(default=320, ge=0, le=1000, description="kept from before the first voiced frame")
    speech_without_camera: bool = Field(default=True, description="without a camera, speech alone may begin a visit")
    engine: str = Field(
        default="whisper",
        max_length=300,
        pattern=r"^(whisper|sherpa:.+)$",
        description="the recogniser: whisper, or sherpa:/path/to/folder with a model of sherpa-onnx",
    )

    @model_validator(mode="after")
    def _pauses_in_order(self) -> Hearing:
        if self.pause_shortest_ms > self.pause_longest_ms:
            raise ValueError("pause_shortest_ms must not be longer than pause_longest_ms")
        return self


class Seeing(Section):
    looks_hz: float = Field(
        default=4, ge=0.5, le=30, description="face detections a second while nobody is near; 4 costs 3 % of a core"
    )
    near_looks_hz: float = Field(
        default=15, ge=2, le=30, description="looks a second while somebody is near or served: face points, lips, gaze"
    )
    near_face_share: float = Field(
        default=0.13,
        gt=0.01,
        lt=1,
        description="face width / picture width that counts as standing in front: about 1.2 m",
    )
    far_face_share: float = Field(default=0.09, gt=0.01, lt=1, description="below this the visitor has stepped away")
    arrive_ms: int = Field(
        default=600, ge=0, le=5000, description="standing near and facing the screen for this long: not a passer-by"
    )
    leave_ms: int = Field(default=3000, ge=500, le=60000, description="gone for this long: not merely a turned head")
    facing_yaw_deg: float = Field(
        default=25, ge=5, le=60, description="head and eyes turned further to a side do not look at the screen"
    )
    facing_pitch_deg: float = Field(
        default=32, ge=10, le=60, description="the same up and down; the camera stands above what they read"
    )
    turned_s: float = Field(
        default=10, ge=3, le=120, description="looking elsewhere for so long: asked whether they are there, then ended"
    )
    tells_visitors_apart: bool = Field(
        default=True,
        description="the visitor's face is compared with that of this visit's beginning, in memory, so that nobody "
        "goes on with another's visit; false: by place and size alone",
    )

    @model_validator(mode="after")
    def _far_is_further(self) -> Seeing:
        if self.far_face_share > self.near_face_share:
            raise ValueError("far_face_share must not be greater than near_face_share")
        return self


PERSONAS: Final[dict[str, tuple[str, str]]] = {
    "xiaoying": ("zf_xiaoxiao", "af_heart"),
    "xiaohe": ("zm_yunxi", "am_michael"),
}
"""The voices of one person: Mandarin, English."""


class Addressing(Section):
    """Whose speech counts. See `kiosk/audio/addressee.py`."""

    enabled: bool = Field(default=True, description="false: everything that is heard counts")
    presence_share: float = Field(
        default=0.15, ge=0, le=1, description="of an utterance, somebody must have stood in front for this much"
    )
    leniency: float = Field(
        default=0.0, ge=-3, le=6, description="log odds: higher hears more bystanders and loses fewer visitors"
    )
    shortest_s: float = Field(default=0.2, ge=0.1, le=1, description="less voice than this is nobody's word")
    looks_hz: float = Field(default=8, ge=2, le=15, description="looks at the lips a second, while there is voice")


class Voice(Section):
    """How she, or he, sounds. `zh` and `en` set aside the persona's voice of that language."""

    persona: Literal["xiaoying", "xiaohe"] = Field(default="xiaoying", description="a woman's voices, or a man's")
    zh: str = Field(default="", max_length=40, description="name of a Mandarin voice; empty: the persona's")
    en: str = Field(default="", max_length=40, description="name of an English voice; empty: the persona's")
    speed: float = Field(default=1.0, ge=0.6, le=1.5)
    elder_times: float = Field(default=0.85, ge=0.6, le=1, description="pace for elders, times `speed`")
    cache_mib: int = Field(default=512, ge=16, le=4096, description="rendered sentences kept on disk")
    small: bool = Field(
        default=True,
        description="Mandarin that takes too long is spoken by the small voice; its licence: models/catalogue.toml",
    )
    small_after_ms: int = Field(
        default=700, ge=0, le=5000, description="predicted wait from which the small voice speaks"
    )
    filler_after_ms: int = Field(
        default=800, ge=300, le=5000, description="predicted wait from which 'one moment' is said first"
    )
    quiet_dbfs: float = Field(
        default=-55, ge=-90, le=-20, description="the microphone's level in a room where no louder voice is needed"
    )
    gain_max_db: float = Field(default=6, ge=0, le=9, description="never louder than the usual level by more than this")
    elder_gain_db: float = Field(default=2, ge=0, le=6, description="louder for elders by this, within the maximum")

    @property
    def zh_name(self) -> str:
        return self.zh or PERSONAS[self.persona][0]

    @property
    def en_name(self) -> str:
        return self.en or PERSONAS[self.persona][1]


class Talking(Section):
    prompt_after_s: float = Field(default=15, ge=4, le=120, description="silence before 'are you still there?'")
    forget_after_s: float = Field(
        default=10, ge=3, le=120, description="further silence before everything is forgotten"
    )
    misunderstood_limit: int = Field(default=2, ge=1, le=5, description="then a person is offered")


class Opinions(Section):
    """The question after a visit. Five faces for everybody; at most one further question."""

    recommend_every: int = Field(
        default=5, ge=0, le=1000, description="of so many who are asked, one is asked to recommend (NPS); 0: nobody"
    )
    comment_up_to: int = Field(default=3, ge=0, le=5, description="scores up to this are asked what it was")
    comment_every: int = Field(default=4, ge=0, le=1000, description="of so many others, one is asked too; 0: nobody")
    learn: bool = Field(
        default=True, description="ask whether a sentence that was not understood may be kept, scrubbed"
    )


class Content(Section):
    """Where the approved knowledge comes from."""

    pack: str = Field(
        default="",
        max_length=300,
        description="with public_keys: the folder where signed packs are kept; without: the folder of a pack's source, "
        "empty: config/content/BANK",
    )
    public_keys: tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")], ...] = Field(
        default=(), max_length=8, description="whose signed packs are taken; none: the unsigned source, for development"
    )

    @model_validator(mode="after")
    def _signed_packs_have_a_folder(self) -> Content:
        if self.public_keys and not self.pack:
            raise ValueError("with public_keys, pack must name the folder where signed packs are kept")
        return self


class HubLink(Section):
    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    port: int = Field(default=1883, ge=1, le=65535)
    keepalive_s: int = Field(default=20, ge=5, le=600)
    public_url: str = Field(
        default="",
        max_length=200,
        pattern=r"^(https?://[^\s]+)?$",
        description="where visitors' phones reach the hub; empty: no QR code on the ticket",
    )
    resend_s: float = Field(
        default=5, ge=0.5, le=600, description="unacknowledged operations are sent again after this"
    )


class Tellers(Section):
    """Tellers on video, reached through the hub."""

    enabled: bool = Field(
        default=False, description="whether visitors are offered one; without, a colleague in the branch is called"
    )
    sign: bool = Field(
        default=False, description="whether some of them sign; then visitors are asked for their language"
    )
    dialects: tuple[Literal["yue", "wu", "minnan", "sichuan"], ...] = Field(
        default=(), max_length=4, description="that some of them speak; then visitors are asked for theirs"
    )


class BankSystem(Section):
    """The bank's own system behind the conversation. Without it, a person is offered for wishes that need it."""

    url: str = Field(
        default="", max_length=200, pattern=r"^(https?://[^\s]+)?$", description="of the core bank's HTTP API"
    )
    timeout_s: float = Field(default=3.0, ge=0.2, le=30, description="one try; a visitor waits for two at most")
    reader: str = Field(
        default="",
        max_length=200,
        description="the simulated card reader's file; empty: card_reader.json among the terminal's state",
    )
    slot: str = Field(
        default="",
        max_length=100,
        description="a PC/SC reader for passports by the beginning of its name, 'any' for the first; empty: simulated",
    )
    states: str = Field(
        default="", max_length=200, description="folder of the states' certificates (CSCA); needed with `slot`"
    )

    @model_validator(mode="after")
    def _trusts_somebody(self) -> BankSystem:
        if self.slot and not self.states:
            raise ValueError("`slot` needs `states`: a chip that nobody vouches for is not believed")
        return self


class Identity(Section):
    """Comparing a visitor's face and name with their document. See docs/identity.md."""

    face: bool = Field(
        default=False, description="whether it is offered; each visitor is asked, and may as well do without"
    )
    photo: str = Field(
        default="",
        max_length=200,
        description="the simulated document's photo; empty: document.png beside the simulated card reader's file",
    )
    screen_light: bool = Field(
        default=False,
        description="the page shows three soft colours at the end of a check and the face has to answer to them; only "
        "where the display was seen to light a face at the place where it stands",
    )
    name: bool = Field(default=False, description="whether the document's name is asked for beside the phone number")
    remember: bool = Field(
        default=False, description="whether a visitor whose face agreed may be known next time; needs `face`"
    )
    keystore: Literal["file", "tpm"] = Field(default="file", description="where the keys of kept templates lie")
    tpm: str = Field(
        default="device:/dev/tpmrm0", max_length=200, description="where the TPM is, as tpm2-tools name it (TCTI)"
    )

    @model_validator(mode="after")
    def _remembers_faces_only(self) -> Identity:
        if self.remember and not self.face:
            raise ValueError("`remember` needs `face`")
        return self


class Calling(Section):
    """Numbers that are called, at this terminal. See docs/queue.md."""

    announces: bool = Field(
        default=False, description="its loudspeaker says them in both languages: one terminal of a branch, if any"
    )
    shows: bool = Field(default=True, description="they are shown large on the page that invites")
    shows_s: float = Field(default=6, ge=3, le=30, description="each for so long at least")
    late_s: float = Field(default=30, ge=5, le=600, description="older than this they are shown and not said")
    waits_s: float = Field(default=20, ge=0, le=120, description="for the end of a conversation; then only shown")
    gain_db: float = Field(default=3, ge=0, le=9, description="louder than to a visitor: the hall is larger")


class StaffCounter(Section):
    """A counter that staff can call to from the terminal's own screen."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,8}$")] = Field(description="as it is called out")
    services: tuple[str, ...] = Field(default=(), max_length=26, description="ids of services it calls; none: all")


class Staff(Section):
    """The staff's page on the terminal's own screen, for the time without a hub. See docs/queue.md."""

    pin_hash: str = Field(
        default="",
        max_length=200,
        pattern=r"^(\$(argon2id|scrypt)\$.+)?$",
        description="made by `python -m kiosk staff-pin`; empty: there is no such page",
    )
    counters: tuple[StaffCounter, ...] = Field(
        default=(StaffCounter(name="1"), StaffCounter(name="2"), StaffCounter(name="3")), min_length=1, max_length=6
    )
    untouched_s: float = Field(
        default=60, ge=10, le=600, description="the page ends when nobody touched it for so long"
    )
    longest_s: float = Field(default=600, ge=60, le=3600, description="and after this in any case")

    @model_validator(mode="after")
    def _counters_differ(self) -> Staff:
        names = [counter.name for counter in self.counters]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"counters share the name {', '.join(twice)}")
        return self


class Glass(Section):
    """The screen as it hangs in the branch."""

    diagonal_in: float = Field(default=32, ge=13, le=110, description="inches: targets are kept in millimetres")
    text_percent: int = Field(default=100, ge=96, le=200, description="size of all letters before anybody asks")
    vsync: bool = Field(default=False, description="draw in step with the glass, where its driver has a way")


class Updates(Section):
    """When a new release may be switched to. See docs/updates.md. Fetching goes on all day, a few chunks at a time."""

    begins: time = Field(default=time(1, 0), description="local time, from which it may switch")
    ends: time = Field(default=time(5, 0), description="until when; may be after midnight")
    quiet_s: float = Field(
        default=60, ge=0, le=3600, description="nobody was at the terminal for so long: no visitor is just coming back"
    )
    trial_s: float = Field(
        default=900, ge=0.5, le=86400, description="a new release stays healthy for so long after its self-test"
    )


class Fleet(Section):
    """How this terminal belongs to the bank's fleet. See docs/fleet.md."""

    certificates: bool = Field(
        default=False, description="the hub's broker wants a certificate: the terminal joins, and speaks TLS with it"
    )
    authority: str = Field(
        default="", max_length=300, description="with certificates: the authority's certificate that came with it (PEM)"
    )
    join_port: int = Field(default=8885, ge=1, le=65535, description="where the broker lets new terminals ask")
    orders_key: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="public key (Ed25519) that orders are checked with; empty: the one that joining brought",
    )
    hardware: str = Field(
        default="", pattern=r"^[a-z0-9-]{0,40}$", description="the model of the machine, shown to who lets it join"
    )

    @model_validator(mode="after")
    def _certificates_have_an_authority(self) -> Fleet:
        if self.certificates and not self.authority:
            raise ValueError("with certificates, authority must name the file of the authority's certificate")
        return self


class Site(Section):
    """One terminal at one place."""

    bank: Bank
    branch: Branch
    device: Device
    services: tuple[Service, ...] = Field(min_length=1, max_length=26)
    ports: Ports = Ports()
    hearing: Hearing = Hearing()
    seeing: Seeing = Seeing()
    addressing: Addressing = Addressing()
    voice: Voice = Voice()
    talking: Talking = Talking()
    opinions: Opinions = Opinions()
    content: Content = Content()
    hub: HubLink = HubLink()
    bank_system: BankSystem = BankSystem()
    identity: Identity = Identity()
    queue: Calling = Calling()
    staff: Staff = Staff()
    tellers: Tellers = Tellers()
    glass: Glass = Glass()
    updates: Updates = Updates()
    fleet: Fleet = Fleet()

    @model_validator(mode="after")
    def _one_letter_one_service(self) -> Site:
        for what in ("letter", "id"):
            values = [getattr(service, what) for service in self.services]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"services share the {what} {', '.join(twice)}: ticket numbers would collide")
        return self

    @model_validator(mode="after")
    def _counters_call_services_that_exist(self) -> Site:
        known = {service.id for service in self.services}
        called = {service for counter in self.staff.counters for service in counter.services}
        if unknown := sorted(called - known):
            raise ValueError(f"staff.counters call services that do not exist: {', '.join(unknown)}")
        return self

    def service_for(self, intent: str) -> Service | None:
        """The service whose ticket serves this wish, if any."""
        return next((service for service in self.services if intent in service.intents), None)


def site_path() -> Path:
    """The site file in force: `$YINGBIN_SITE`, else the example."""
    chosen = os.environ.get(SITE_VARIABLE)
    return Path(chosen) if chosen else DEFAULT_SITE


def load_site(path: Path | None = None) -> Site:
    """Read a site file. Raises `ConfigError` naming file, line, key and the allowed range."""
    return load_toml(path or site_path(), Site)
