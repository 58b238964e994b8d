"""Who is in front of the terminal. Pixels leave this folder only for the mirror and an accepted call."""
