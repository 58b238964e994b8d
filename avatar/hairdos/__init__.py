"""One module a hairdo; see `Hairdo` in `avatar/personas.py`."""
