"""The shape of a recorded visitor: how they walk up, what they say and touch, and what must have happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from config.load import ConfigError, load_yaml
from config.schema import CONFIG_DIR, Section

SCENARIOS_DIR: Final = CONFIG_DIR / "scenarios"
Moment = Literal[
    "visit_started", "greeted", "turn", "said", "touched", "ticket", "opinion", "page", "nothing_heard", "cut",
    "did", "visit_ended", "device", "state", "stage_failed", "form", "signed", "declined", "errand",
]  # fmt: skip
Fact = str | int | float | bool


class Visitor(Section):
    portrait: Literal["astronaut"] = Field(default="astronaut", description="a public-domain portrait by its name")
    voice_zh: str = Field(default="zm_yunxi", max_length=40)
    voice_en: str = Field(default="am_michael", max_length=40)
    speed: float = Field(default=1.0, ge=0.5, le=2.0)


class Lobby(Section):
    distance_m: float = Field(default=0.8, ge=0.3, le=3.0, description="mouth to microphone")
    reverberation_s: float = Field(default=0.4, ge=0.0, le=1.0, description="RT60 of the simulated room")
    snr_db: float = Field(default=20.0, ge=-5, le=60, description="visitor's speech over the bed of noise")
    echo_gain: float = Field(default=0.1, ge=0.0, le=1.0, description="loudspeaker to microphone")
    seed: int = Field(default=7, ge=0)


class Walk(Section):
    seconds: float = Field(default=2.5, gt=0, le=60)
    face_share: float = Field(default=0.24, gt=0, le=0.6, description="face width over picture width at the end")


class Say(Section):
    text: str = Field(min_length=1, max_length=200)
    language: Literal["zh", "en"] = "zh"
    over: bool = Field(default=False, description="say it without waiting for the receptionist to finish")
    noise_only: bool = Field(default=False, description="not words: the same sound backwards")


class Expect(Section):
    """A moment that must come, after the last one that was waited for."""

    moment: Moment
    facts: dict[str, Fact | tuple[Fact, ...]] = Field(default_factory=dict, description="several values: any of them")
    within_s: float = Field(default=15, gt=0, le=120)


class Step(Section):
    """One thing the visitor does, or one thing that must happen. Exactly one."""

    approach: Walk | None = None
    leave: Walk | None = None
    say: Say | None = None
    touch: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")] | None = None
    sign: bool | None = Field(default=None, description="writes on the pad that is on the screen")
    wait: float | None = Field(default=None, gt=0, le=60, description="seconds")
    expect: Expect | None = None
    forgotten: bool | None = Field(default=None, description="nothing of the visitor may be held any more")

    @model_validator(mode="after")
    def _exactly_one(self) -> Step:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a step does exactly one thing, here: {', '.join(given) or 'nothing'}")
        return self


class Scenario(Section):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    title: str = Field(min_length=1, max_length=120)
    visitor: Visitor = Visitor()
    lobby: Lobby = Lobby()
    waiting_before: int = Field(default=0, ge=0, le=50, description="tickets the simulated branch already waits with")
    steps: tuple[Step, ...] = Field(min_length=1, max_length=60)
    _source: str = PrivateAttr(default="")

    @property
    def source(self) -> str:
        """The name to find it again by: its file if it came from one outside the folder, else its id."""
        return self._source or self.id

    def sayings(self) -> list[Say]:
        """Everything the visitor says, in order."""
        return [step.say for step in self.steps if step.say]


def find_scenario(name: str) -> Path:
    """A scenario's file by id or path. Raises `ConfigError` listing those there are."""
    path = Path(name) if name.endswith(".yaml") else SCENARIOS_DIR / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in SCENARIOS_DIR.glob("*.yaml")))
        raise ConfigError(f"no scenario '{name}'; there are: {known}")
    return path


def load_scenario(path: Path) -> Scenario:
    """Read one. Raises `ConfigError` naming file, line, key and what is allowed."""
    scenario = load_yaml(path, Scenario)
    if path.resolve().parent != SCENARIOS_DIR.resolve():
        scenario._source = str(path.resolve())
    return scenario
