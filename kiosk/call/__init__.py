"""The video call with a remote teller: the place in line, and a process of its own for pictures and sound."""
