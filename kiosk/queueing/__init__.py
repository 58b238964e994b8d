"""Tickets on the terminal: numbers that never collide, printed and owed to the hub."""
