"""Data and commands that make our own small models."""
