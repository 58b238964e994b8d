"""A sentence aloud in the middle of an action: what a face or a hand is to do next. Beside `app.py`.

It belongs to whatever asked for it: cancelled with that, it falls silent. Without a loudspeaker the screen says it.
"""

from __future__ import annotations

from kiosk.dialogue.voice import Voice
from kiosk.ports import DeviceLost
from kiosk.session.session import Session
from kiosk.session.visit import Visit


class Aloud:
    """`name` of what it says, as the loudspeaker's log has it."""

    def __init__(self, session: Session, voice: Voice, name: str) -> None:
        self._session, self._voice, self._name = session, voice, name
        self._said = 0

    async def say(self, visit: Visit, zh: str, en: str) -> None:
        """In the visit's language, until it was heard."""
        turns = self._session.turns
        if turns is None or turns.playback is None:
            return
        self._said += 1
        spoken = self._voice.speak(zh if visit.language == "zh" else en, visit.language, keep=True)
        try:
            await turns.playback.play(f"{self._name}{self._said}", spoken, lambda progress: None)
        except DeviceLost:
            return  # it is on the screen
