"""Remote tellers at the hub: who is connected with whom, and why. The media of a call is not here."""
