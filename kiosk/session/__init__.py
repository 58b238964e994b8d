"""One visit as a state table: who is here, what is going on, what must be forgotten."""
