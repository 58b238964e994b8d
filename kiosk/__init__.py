"""The terminal in the lobby. `app` wires it, `ports` says what it needs of devices, `adapters` has them."""
