"""The wire as an AsyncAPI 3.0 document, made from the same table as everything else."""

from __future__ import annotations

from typing import Any

import msgspec

from contracts import topics
from contracts.messages import SCHEMA


def asyncapi() -> dict[str, Any]:
    """Channels, operations and message schemas. Written from the hub's side: what kiosks send is received."""
    messages = [row.message for row in topics.CONTRACT]
    _, schemas = msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")
    channels = {}
    operations = {}
    for row in topics.CONTRACT:
        key = row.key.replace("/", "_")
        name = row.message.__name__
        channels[key] = {
            "address": row.path,
            "description": row.meaning,
            "parameters": {level: {} for level in ("branch", "device") if f"{{{level}}}" in row.path},
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {"mqtt": {"bindingVersion": "0.2.0"}},
        }
        operations[key] = {
            "action": "receive" if row.sender == "kiosk" else "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "summary": row.meaning,
            "bindings": {"mqtt": {"qos": row.qos, "retain": row.retain, "bindingVersion": "0.2.0"}},
            "x-at-most-bytes": row.limit_bytes,
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Yingbin's wire", "version": str(SCHEMA), "description": "MQTT 3.1.1, JSON in each message."},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {
                kind.__name__: {"payload": {"$ref": f"#/components/schemas/{kind.__name__}"}} for kind in messages
            },
            "schemas": schemas,
        },
    }
