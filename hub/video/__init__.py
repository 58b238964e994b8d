"""Remote tellers at the hub: who is connected with whom, and why. The call itself is in `hub/calls`."""
