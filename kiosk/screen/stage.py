"""Holds the snapshot, the speech and the face together: at any moment, what is on the glass."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import pygame

from avatar.expression import Performer, Pointing, pointing_to
from avatar.lipsync import LipSync
from avatar.personas import Persona, persona_or_stand_in
from contracts.screen import ScreenState
from kiosk.screen.boxes import Hit
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.frame import UPRIGHT, Frame
from kiosk.screen.pages import PAGES, frame_for, lay_out
from kiosk.screen.parts import PageLayout, View
from kiosk.screen.theme import theme
from kiosk.screen.widgets.buttons import BEATS

BEAT_S: Final = 0.1
FLASH_S: Final = 0.7  # half of a flash: well below one a second
UNCHANGING: Final = frozenset({"gate", "sheet:edge", "sheet", "paper", "veil:fade", "veil"})


class Stage:
    """One page and one face. `wall_clock` returns local time; monotonic times are passed in."""

    def __init__(
        self,
        factor: float,
        first: ScreenState,
        wall_clock: Callable[[], time.struct_time] = time.localtime,
        glass: Frame = UPRIGHT,
    ) -> None:
        self.faults: deque[str] = deque(maxlen=8)  # of the figure, not yet reported
        self._persona = first.persona
        self.composer = Composer(factor, glass, self._figure_of(first.persona))
        self.speech = LipSync()
        self.performer = Performer()
        self.state = first
        self.pressed = ""
        self.ink: tuple[tuple[tuple[int, int, int], ...], ...] = ()  # on the pad, not in the snapshot yet
        self._wall_clock = wall_clock
        self._view: View | None = None
        self._layout: PageLayout | None = None
        self._said: int | None = None
        self._changing_since_ns: int | None = None
        self._change_ns = theme("light").motion_ms["page"] * 1_000_000
        self.warm = False
        self._warming = self._warm()

    def prepare(self) -> None:
        """Draw what the face needs all the time."""
        self.composer.figure.prepare()

    def warm_up(self) -> None:
        """Draw one of the pages' costly, unchanging parts before it is needed."""
        self.warm = not next(self._warming, False)

    def _warm(self) -> Iterator[bool]:
        clock = clock_text(self._wall_clock())
        for page in PAGES:
            layout = lay_out(View(ScreenState(0, page, "zh", "", ""), clock, frame=self.composer.glass))
            self.composer.light(layout.theme)
            yield True
            for part in (*layout.behind, *layout.parts):
                if part.id in UNCHANGING:
                    self.composer.draw(layout.theme, part)
                    yield True

    def _figure_of(self, name: str) -> Persona:
        persona, trouble = persona_or_stand_in(name)
        if trouble:
            self.faults.append(trouble)
        return persona

    def hits(self) -> tuple[Hit, ...]:
        """Return the targets as drawn now."""
        return self._layout.hits() if self._layout is not None else ()

    def take(self, state: ScreenState, now_ns: int) -> None:
        """Take over a snapshot. Another page fades in while she glides to her new place; in large letters at once."""
        other = state.page != self.state.page
        if other and self._layout is not None and state.mode != "elder":
            self.composer.keep_old_page()
            self._changing_since_ns = None
        if other or len(state.captions) != len(self.state.captions):
            self._said = None
        self.state = state
        if state.persona != self._persona:
            self._persona = state.persona
            self.composer.receive(self._figure_of(state.persona))
        self._wish(now_ns)

    def _wish(self, now_ns: int) -> None:
        state = self.state
        self.performer.wish(
            expression=state.expression,
            gesture=state.gesture,
            gaze=state.gaze,
            listening=state.listening,
            now_s=now_ns / 1e9,
            count=state.count,
            pointing=self._pointing(),
            talked_to=bool(state.captions) and state.captions[-1].speaker == "visitor" and not state.captions[-1].final,
        )

    def _pointing(self) -> Pointing:
        """Where the place to point at lies, seen from her, by the layout of the page that is coming."""
        layout = lay_out(self._view_at(0)) if self.state.gesture == "point" else None
        hits = layout.hits() if layout is not None else ()
        hit = next((one for one in hits if one.target == self.state.point_at), next(iter(hits), None))
        if layout is None or hit is None:
            return Pointing()
        spot, box = layout.figure, hit.box
        return pointing_to(
            (box.x + box.width / 2 - spot.x) / spot.scale, (box.y + box.height / 2 - spot.y) / spot.scale
        )

    def draw(self, now_ns: int) -> list[pygame.Rect]:
        """Bring the frame up to date and return what changed, in page pixels."""
        view = self._view_at(now_ns)
        if view != self._view:
            self._view = view
            self._layout = lay_out(view)
            self.composer.show(self._layout)
        heard = self.speech.heard_share(now_ns)
        speaking = heard is not None and heard < 1.0
        inviting = self.state.page == "attract"
        pose = self.performer.pose_at(now_ns / 1e9, self.speech.mouth(now_ns), speaking=speaking, inviting=inviting)
        self.composer.move(pose)
        self.composer.show_pictures(self.state.teller_pictures, self.state.mirror_pictures)
        share = self._changed_share(now_ns) if self.composer.changing else 1.0
        return self.composer.change(share) if share < 1 else self.composer.compose()

    def _changed_share(self, now_ns: int) -> float:
        """Return how far the change of page is. Its clock starts when the new page is ready, one picture later."""
        if self._changing_since_ns is None:
            self._changing_since_ns = -1
            return 0.0
        if self._changing_since_ns < 0:
            self._changing_since_ns = max(0, now_ns - self._change_ns // 6)
        return (now_ns - self._changing_since_ns) / self._change_ns

    def _view_at(self, now_ns: int) -> View:
        state = self.state
        breathing = state.page in (
            "conversation",
            "call",
            "choices",
            "confirm",
            "waiting",
            "map",
            "face",
        ) and state.listening in ("listening", "thinking")
        beat = int(now_ns / 1e9 / BEAT_S) % BEATS if breathing and state.mode != "elder" else 0
        if "captions" in state.needs and state.called:
            beat = int(now_ns / 1e9 / FLASH_S) % 2
        clock = clock_text(self._wall_clock())
        frame = frame_for(state, self.composer.glass)
        return View(state, clock, self.pressed, self._said_at(now_ns), beat, self.ink, frame)

    def _said_at(self, now_ns: int) -> int | None:
        """Return how many characters of the last caption the loudspeaker has said; it never falls back."""
        captions = self.state.captions
        if not captions or captions[-1].speaker != "receptionist":
            return None
        if captions[-1].final or captions[-1].spoken is not None:  # the core knows better
            return None
        share = self.speech.heard_share(now_ns)
        if share is not None:
            said = round(share * len(captions[-1].text))
            self._said = max(said, self._said or 0)
        return self._said or 0
