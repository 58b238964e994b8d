"""Simulated branches: who comes, who works and what fails, in virtual time. Independent of what is estimated from it."""
