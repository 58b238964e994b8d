"""What the hub may order of a terminal from afar: checked here once more, done once, answered with codes."""
