"""Synthetic documents: invented people, drawn cards and pages, and pictures of them as a lobby's camera gives them.

No real document, person or number is in here; what is drawn follows the layouts that the standards describe, without
the seals and security features of real ones. Splits differ in seeds and in their rare characters: 'tune' is for
choosing thresholds, 'report' for the figures that are told.
"""
