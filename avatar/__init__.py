"""The receptionist's face: speech in, a face out."""
