"""What a visitor says while talking to a teller, on its way to that teller's desk: captions, and what goes with them.

One message per utterance, made on the terminal: the words with long figures masked, the feeling and the risk as they
stand after it, and approved answers from the terminal's own pack, each with its source. For the one teller who holds
the case and nobody else; it is in no log, and the hub deletes it when the case is over.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from contracts.handover import MAX_LINE_CHARS, Mood, RiskFound
from contracts.messages import Code, Language, Message
from contracts.video_messages import CaseId

MAX_HEARD: Final = 400  # utterances of one case; an hour of talking has fewer
MAX_SUGGESTED: Final = 2
ANSWER_CHARS: Final = 400
SOURCE_CHARS: Final = 160


class Suggested(msgspec.Struct, frozen=True, kw_only=True):
    """An approved answer to what was said, in its language, word for word as the pack has it.

    `entry`: the pack's own name of it, an entry or a wish. `score`: how surely it answers, in [0, 1].
    """

    entry: Code
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=ANSWER_CHARS)]
    source: Annotated[str, msgspec.Meta(max_length=SOURCE_CHARS)]
    score: Annotated[float, msgspec.Meta(ge=0, le=1)]


class CaseHeard(Message, frozen=True, kw_only=True):
    """One utterance in a call. `number` counts those of a case from 1; the hub takes each once.

    `whose`: the visitor's own voice, or that of somebody beside. `sure` False: the recogniser does not believe its
    words itself. `feeling` and `risk` null: nothing was noticed so far.
    """

    case: CaseId
    number: Annotated[int, msgspec.Meta(ge=1, le=MAX_HEARD)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LINE_CHARS)]
    language: Language
    whose: Literal["visitor", "other"] = "visitor"
    sure: bool = True
    feeling: Mood | None = None
    risk: RiskFound | None = None
    suggested: Annotated[tuple[Suggested, ...], msgspec.Meta(max_length=MAX_SUGGESTED)] = ()
