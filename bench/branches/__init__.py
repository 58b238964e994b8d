"""Simulated branches in virtual time: who comes, who works, what fails. What is estimated from it never reads it."""
