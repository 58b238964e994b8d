"""One turn: recognise, understand, answer, speak; flows and approved knowledge."""
