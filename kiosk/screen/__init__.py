"""Pages and widgets. Draws a ScreenState, decides nothing. Runs as its own process."""
