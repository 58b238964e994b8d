"""Documents held up or laid down: found, guided, read, checked. Nothing of them is kept past the visit."""
