"""What visitors thought: kept, counted with how sure the counts are, acted upon, and learned from."""
