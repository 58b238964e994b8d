"""The one light question after a visit, and what a visitor's words become before they may leave the terminal."""
