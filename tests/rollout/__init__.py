"""Updates at the terminal, and the releases that they take."""
