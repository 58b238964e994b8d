"""Every figure that the README quotes, reproducible by one command."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # must stand before pygame is first imported: stdout is JSON's
