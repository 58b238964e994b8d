"""What the hub wants this terminal to be set to: taken whole or not at all, watched, and taken back by itself."""
