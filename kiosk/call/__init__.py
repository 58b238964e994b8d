"""The video call with a remote teller: a process of its own, fed with pictures and sound by the core."""
