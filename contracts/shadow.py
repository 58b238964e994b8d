"""The settings that travel in a terminal's shadow: what is wanted of it, and what it says of itself.

Which settings there are and what they may be stands in `config/remote.py`; here is only what fits on the wire. No
setting holds free text.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

SETTINGS_LIMIT: Final = 60
REASONS_LIMIT: Final = 20

SettingName = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,20}\.[a-z_]{1,30}$")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,40}$")]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opening hours of one day, local time. A day that is missing is closed."""

    opens: TimeOfDay
    closes: TimeOfDay


SettingValue: TypeAlias = bool | int | float | Word | dict[Weekday, Opening]
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
