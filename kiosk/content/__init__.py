"""Approved knowledge: what may be said, who signed it, and which of it answers a question."""
