"""Pages and widgets in pygame: draws a ScreenState, decides nothing."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # must stand before pygame is first imported
