"""One module a set of clothes; see `Clothes` in `avatar/personas.py`."""
