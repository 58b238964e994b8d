"""The settings that travel in a terminal's shadow: what is wanted of it, and what it says of itself.

Which settings there are and what they may be stands in `config/remote.py`; here is only what fits on the wire. No
setting holds free text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

SETTINGS_LIMIT: Final = 60
REASONS_LIMIT: Final = 20

SettingName = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,20}\.[a-z_]{1,30}$")]
Persona = Literal["xiaoying", "xiaohe"]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opening hours of one day, local time. A day that is missing is closed."""

    opens: TimeOfDay
    closes: TimeOfDay


# Words are listed, not patterned: a patterned text beside a map in one union crashes the decoder (msgspec 0.22).
SettingValue: TypeAlias = bool | int | float | Persona | dict[Weekday, Opening]
Origin = Literal["local", "remote"]
ShadowState = Literal["local", "applied", "applied_after_restart", "refused", "rolled_back"]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it is in force: from the terminal's own file, or from the hub."""

    value: SettingValue
    origin: Origin


class ShadowReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a version was refused or rolled back: a stable code, and the setting or part that it is about, if any."""

    why: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}$")]
    what: Annotated[str, msgspec.Meta(pattern=r"^[a-z_.]{0,60}$")] = ""


class _Carrier(msgspec.Struct, frozen=True, kw_only=True):
    settings: Annotated[dict[SettingName, SettingValue], msgspec.Meta(max_length=SETTINGS_LIMIT)]


def typed(settings: Mapping[str, Any]) -> dict[str, SettingValue]:
    """Plain settings as the wire has them. Raises `msgspec.ValidationError` for what does not fit it."""
    return msgspec.convert({"settings": dict(settings)}, _Carrier).settings


typed({})  # once, while only one thread is there: see `contracts/topics.py`
