"""Is what was heard meant for us? Her own voice, a bystander's, an announcement: not a turn, and counted.

Joins what the camera saw, how near the voice is, whose it is, and what she herself was saying meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from contracts.screen import Language
from kiosk.audio.addressee import Judgement, UtteranceFacts
from kiosk.dialogue.meaning import Words
from kiosk.events import MIC_RATE_HZ, Pcm, UtteranceEnded
from kiosk.runtime.worker import ModelThread
from kiosk.session.visit import Visit
from kiosk.vision.attendance import Attendance

Floats = npt.NDArray[np.float32]
_SILENCE_BYTES: Final = 2 * MIC_RATE_HZ // 10  # of 0.1 s: an utterance has 0.2 s of it at most, a pause 0.128 s
QUIET_ROOM_DBFS: Final = -60.0  # taken until the room's own level is known


class Addressee(Protocol):
    def judge(self, utterance: UtteranceFacts) -> Judgement: ...

    def accept_companion(self) -> bool: ...

    def forget(self) -> None: ...


class OwnVoice(Protocol):
    """Tells her own voice, come back through the microphone, by its words and by its sound."""

    def own(self, text: str, language: Language, pcm: Pcm, start_ns: int, end_ns: int) -> str | None:
        """'own_words' or 'own_sound'; None: it is somebody else's."""


class Lips(Protocol):
    def share(self, start_ns: int, end_ns: int) -> float | None:
        """Of that time, the served face's lips moved. None: the mouth was not to be seen."""

    def forget(self) -> None: ...


class Remembered:
    """An embedding network that remembers its last answer: the same sound is asked for at the pause and at the end.

    At the end it has a little more of the silence behind the last word, in which there is no voice: that is the same.
    """

    def __init__(self, embed: Callable[[Pcm], Floats]) -> None:
        self._embed = embed
        self._last: tuple[bytes, Floats] | None = None

    def __call__(self, pcm: Pcm) -> Floats:
        """Blocking. (n,) int16 → (d,)."""
        key = pcm.tobytes()
        if self._last is None or not key.startswith(self._last[0]) or len(key) - len(self._last[0]) > _SILENCE_BYTES:
            self._last = key, self._embed(pcm)
        return self._last[1]

    def forget(self) -> None:
        self._last = None


class Weighing:
    """One visit at a time."""

    def __init__(
        self,
        addressee: Addressee | None,
        embed: Remembered | None,
        thread: ModelThread,
        attendance: Attendance,
        camera_works: Callable[[], bool],
        own_voice: OwnVoice | None,
        lips: Lips | None = None,
    ) -> None:
        self._addressee = addressee
        self._embed = embed
        self._thread = thread
        self._attendance = attendance
        self._camera_works = camera_works
        self._own_voice = own_voice
        self._lips = lips

    async def prepare(self, pcm: Pcm) -> None:
        """Learn whose voice it is while the visitor may still go on."""
        if self._embed:
            await self._thread.call(self._embed, pcm)

    async def reason_against(self, visit: Visit, heard: UtteranceEnded, words: Words) -> str | None:
        """Why it is not for us; None: it is."""
        new = heard.pcm[heard.kept :]
        if self._own_voice:
            own = await self._thread.call(
                self._own_voice.own, words.text, words.language, new, heard.start_ns, heard.end_ns
            )
            if own:
                return own
        if self._addressee is None:
            return None
        judgement = await self._thread.call(self._addressee.judge, self._facts(heard, new))
        if judgement.for_us:
            return None
        if judgement.reason == "other_voice" and self._somebody_beside(heard):
            visit.companion_offered = True
        return judgement.reason

    def _facts(self, heard: UtteranceEnded, pcm: Pcm) -> UtteranceFacts:
        sees = self._camera_works()
        background = QUIET_ROOM_DBFS if heard.background_dbfs is None else heard.background_dbfs
        return UtteranceFacts(
            pcm=pcm,
            seconds=(heard.end_ns - heard.start_ns) / 1e9,
            background_dbfs=background,
            face_here_share=self._attendance.share(heard.start_ns, heard.end_ns) if sees else None,
            lips_share=self._lips.share(heard.start_ns, heard.end_ns) if self._lips and sees else None,
            faces_near=self._attendance.near(heard.start_ns, heard.end_ns) if sees else 1,
            over_speech=heard.over_speech,
        )

    def _somebody_beside(self, heard: UtteranceEnded) -> bool:
        """Whether there is a second face, or no camera that could say so."""
        return not self._camera_works() or self._attendance.near(heard.start_ns, heard.end_ns) > 1

    def accept_companion(self) -> bool:
        """The visitor says that the other voice belongs to them."""
        return self._addressee is not None and self._addressee.accept_companion()

    def forget(self) -> None:
        """The visit is over."""
        for part in (self._addressee, self._embed, self._lips):
            if part:
                part.forget()
