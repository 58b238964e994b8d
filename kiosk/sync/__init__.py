"""The terminal's side of MQTT: the outbox, and what the hub last said."""
