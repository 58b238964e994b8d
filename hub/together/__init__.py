"""A teller and a visitor at one form, on the hub's side: passed on, approved by a second person, signed papers kept."""
