"""What two processes must agree on: the wire, the screen, tickets, speech. Imports nothing of ours."""
