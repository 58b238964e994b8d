"""Who signs in, what they may do and where, and the record of what they did."""
