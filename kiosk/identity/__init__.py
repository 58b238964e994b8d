"""Who it is and that it is really them: only after consent, never the only way, wiped after each visit."""
