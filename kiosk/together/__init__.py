"""A teller and a visitor at one form, on the terminal's side: filled, read, signed; what is masked stays here."""
