"""The visitor's side of a call with a remote teller. The media of the call is not here yet."""
