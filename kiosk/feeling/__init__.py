"""How a visitor feels, as far as words and voice show it, and how she speaks to them then. Forgotten with the visit."""
