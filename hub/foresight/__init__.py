"""What is about to happen in a branch: waits, arrivals, who is needed when, and what is done about it in time."""
