"""Bounded buffers, the clock, supervision, stopping: what every part of the terminal stands on."""
