"""Every address of the hub and the right that it needs. What is not in this table is refused.

`{branch}` in a path says where the right must be held; without it, any branch will do and the answer shows only
those in which it is held.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hub.accounts.rights import Right

R = Right
READ: Final = ("GET", "HEAD")
WRITE: Final = ("POST",)
SMALL_BYTES: Final = 16 * 1024  # no form and no wish of ours is larger
PACK_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` as FastAPI writes it; `*` at its end stands for anything. `csrf`: a session must show its token."""

    methods: tuple[str, ...]
    path: str
    right: Right
    limit_bytes: int = SMALL_BYTES
    csrf: bool = True

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the path matches; `{branch}` is a group."""
        escaped = re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}").replace(r"\*", ".*")
        named = escaped.replace("{branch}", "(?P<branch>[^/]+)")
        return re.compile(re.sub(r"{[a-z_]+}", "[^/]+", named))


ROUTES: Final = (
    Rule(READ, "/healthz", R.SIGN_IN),
    Rule(READ, "/theme.css", R.SIGN_IN),
    Rule(READ, "/static/*", R.SIGN_IN),
    Rule(READ, "/favicon.ico", R.SIGN_IN),
    Rule(READ, "/sign-in", R.SIGN_IN),
    Rule(WRITE, "/sign-in", R.SIGN_IN, csrf=False),  # there is no session yet: the origin is checked
    Rule(READ, "/sign-in/oidc", R.SIGN_IN),
    Rule(READ, "/sign-in/oidc/back", R.SIGN_IN),
    Rule(WRITE, "/sign-out", R.BE_SIGNED_IN),
    # the lobby and the phone
    Rule(READ, "/board/{branch}", R.SEE_BOARD),
    Rule(READ, "/board/{branch}/state", R.SEE_BOARD),
    Rule(READ, "/board/{branch}/live", R.SEE_BOARD),
    Rule(READ, "/t/{branch}/{day}/{number}", R.SEE_TICKET),
    Rule(READ, "/t/{branch}/{day}/{number}/state", R.SEE_TICKET),
    Rule(WRITE, "/t/{branch}/{day}/{number}/give-back", R.SEE_TICKET, csrf=False),
    Rule(WRITE, "/t/{branch}/{day}/{number}/to-video", R.SEE_TICKET, csrf=False),
    # the desks
    Rule(READ, "/", R.BE_SIGNED_IN),
    Rule(READ, "/desk/counter/{branch}", R.SERVE),
    Rule(READ, "/desk/branch/{branch}", R.SEE_FLOOR),
    Rule(READ, "/desk/foresight/{branch}", R.SEE_FLOOR),
    Rule(READ, "/desk/call/{branch}/{call}", R.TALK),
    Rule(READ, "/desk/region", R.SEE_REGION),
    Rule(READ, "/desk/teller", R.TALK),
    Rule(READ, "/desk/tellers", R.SUPERVISE),
    Rule(READ, "/desk/knowledge", R.OFFER_KNOWLEDGE),
    Rule(READ, "/desk/opinions/{branch}", R.SEE_OPINIONS),
    Rule(READ, "/desk/voice/{branch}", R.SEE_OPINIONS),
    Rule(READ, "/desk/lessons/{branch}", R.TEACH),
    Rule(READ, "/desk/fleet", R.SEE_DEVICES),
    Rule(READ, "/desk/fleet/{branch}/{device}", R.SEE_DEVICES),
    Rule(READ, "/_nicegui/*", R.SIGN_IN),  # its scripts and styles
    Rule(WRITE, "/_nicegui/client/*", R.OFFER_KNOWLEDGE, PACK_BYTES + SMALL_BYTES),  # a pack from the knowledge page
    Rule((*READ, *WRITE, "WEBSOCKET"), "/_nicegui_ws/*", R.BE_SIGNED_IN, 1024 * 1024, csrf=False),
    # the API
    Rule(READ, "/api/openapi.json", R.BE_SIGNED_IN),
    Rule(READ, "/api/asyncapi.json", R.BE_SIGNED_IN),
    Rule(READ, "/api/v1/me", R.BE_SIGNED_IN),
    Rule(READ, "/api/v1/branches", R.BE_SIGNED_IN),
    Rule(READ, "/api/v1/region", R.SEE_REGION),
    Rule(READ, "/api/v1/branches/{branch}", R.SEE_FLOOR),
    Rule(READ, "/api/v1/branches/{branch}/foresight", R.SEE_FLOOR),
    Rule(READ, "/api/v1/branches/{branch}/live", R.SEE_FLOOR),
    Rule(READ, "/api/v1/branches/{branch}/tickets/{number}", R.SEE_FLOOR),
    Rule(READ, "/api/v1/branches/{branch}/devices/{device}/rows", R.SEE_DEVICES),
    Rule(READ, "/api/v1/branches/{branch}/record", R.READ_RECORD),
    Rule(READ, "/api/v1/branches/{branch}/opinions", R.SEE_OPINIONS),
    Rule(READ, "/api/v1/branches/{branch}/voice", R.SEE_OPINIONS),
    Rule(WRITE, "/api/v1/branches/{branch}/opinions/tasks/{task}", R.HANDLE_OPINIONS),
    Rule(READ, "/api/v1/settings", R.SEE_CONFIGURATION),
    Rule(READ, "/api/v1/branches/{branch}/shadows", R.SEE_CONFIGURATION),
    Rule(READ, "/api/v1/branches/{branch}/devices/{device}/shadow", R.SEE_CONFIGURATION),
    Rule(WRITE, "/api/v1/branches/{branch}/devices/{device}/shadow", R.SET_CONFIGURATION),
    # the fleet
    Rule(READ, "/api/v1/fleet/terminals", R.SEE_DEVICES),
    Rule(READ, "/api/v1/fleet/alarms", R.SEE_DEVICES),
    Rule(READ, "/api/v1/fleet/orders", R.ORDER_DEVICE),
    Rule(WRITE, "/api/v1/fleet/silences", R.ORDER_DEVICE),
    Rule(READ, "/api/v1/fleet/rollouts", R.ROLL_OUT),
    Rule(WRITE, "/api/v1/fleet/rollouts", R.ROLL_OUT),
    Rule(READ, "/api/v1/fleet/rollouts/{campaign}", R.ROLL_OUT),
    Rule(WRITE, "/api/v1/fleet/rollouts/{campaign}/{act}", R.ROLL_OUT),
    Rule(READ, "/api/v1/branches/{branch}/devices/{device}/fleet", R.SEE_DEVICES),
    Rule(WRITE, "/api/v1/branches/{branch}/devices/{device}/note", R.JOIN_DEVICE),
    Rule(WRITE, "/api/v1/branches/{branch}/devices/{device}/claim", R.JOIN_DEVICE),
    Rule(WRITE, "/api/v1/branches/{branch}/devices/{device}/revoke", R.JOIN_DEVICE),
    Rule(WRITE, "/api/v1/branches/{branch}/devices/{device}/orders", R.ORDER_DEVICE),
    Rule(WRITE, "/api/v1/branches/{branch}/orders/{order}/agree", R.ORDER_DEVICE),
    Rule(READ, "/api/v1/branches/{branch}/devices/{device}/orders/{number}/result", R.ORDER_DEVICE),
    Rule(WRITE, "/api/v1/branches/{branch}/call", R.SERVE),
    Rule(WRITE, "/api/v1/branches/{branch}/tickets/{number}/events", R.SERVE),
    Rule(("WEBSOCKET",), "/api/v1/branches/{branch}/calls/{call}/media", R.TALK, csrf=False),  # the origin is checked
    Rule(READ, "/api/v1/branches/{branch}/packs", R.OFFER_KNOWLEDGE),
    Rule(WRITE, "/api/v1/branches/{branch}/packs", R.OFFER_KNOWLEDGE, PACK_BYTES),
    Rule(WRITE, "/api/v1/branches/{branch}/packs/{pack}/approve", R.APPROVE_KNOWLEDGE),
    Rule(WRITE, "/api/v1/branches/{branch}/packs/{pack}/refuse", R.APPROVE_KNOWLEDGE),
    Rule(WRITE, "/api/v1/branches/{branch}/packs/{pack}/publish", R.PUBLISH_KNOWLEDGE),
)

_MATCHERS: Final = tuple((rule, rule.pattern) for rule in ROUTES)


def find(method: str, path: str) -> tuple[Rule, str | None] | None:
    """The rule for a request and the branch it names (None: it names none); None where there is no rule."""
    for rule, pattern in _MATCHERS:
        if method in rule.methods and (found := pattern.fullmatch(path)):
            return rule, found.groupdict().get("branch")
    return None
