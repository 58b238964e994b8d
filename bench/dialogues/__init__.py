"""Scripted conversations: what is said and touched, and what must come of it."""
