"""Recorded visitors: how they walk up, what they say and touch, and what must have happened."""
