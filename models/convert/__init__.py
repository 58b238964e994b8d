"""Conversions that make what no package ships. Run while fetching, never while serving."""
