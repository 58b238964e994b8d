"""What may be set, with unit, range, default and reason."""
