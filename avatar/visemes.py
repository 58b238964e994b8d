"""What each of the 16 visemes looks like, and how strongly it insists on its own shape."""

from __future__ import annotations

from typing import Final

from avatar.pose import MouthPose
from contracts.speech import Viseme

SHAPES: Final[dict[Viseme, MouthPose]] = {
    "rest": MouthPose(),
    "mbp": MouthPose(press=1.0),
    "fv": MouthPose(open=0.20, width=0.10, upper_teeth=1.0, bite=1.0),
    "td": MouthPose(open=0.34, width=0.15, upper_teeth=0.9, tongue=0.95),
    "kg": MouthPose(open=0.42, width=0.05, upper_teeth=0.55, tongue=0.35),
    "szh": MouthPose(open=0.30, width=0.40, upper_teeth=1.0, lower_teeth=1.0),
    "zhr": MouthPose(open=0.36, width=-0.20, round=0.50, upper_teeth=0.9, lower_teeth=0.7),
    "th": MouthPose(open=0.34, width=0.15, upper_teeth=0.9, tip=1.0),
    "a": MouthPose(open=0.92, width=0.05, upper_teeth=0.75, tongue=0.30),
    "o": MouthPose(open=0.68, width=-0.20, round=0.72, tongue=0.15),
    "e": MouthPose(open=0.55, width=0.05, round=0.10, upper_teeth=0.60, tongue=0.30),
    "eh": MouthPose(open=0.60, width=0.45, upper_teeth=0.85, tongue=0.35),
    "i": MouthPose(open=0.32, width=0.85, upper_teeth=1.0, lower_teeth=0.35, tongue=0.30),
    "u": MouthPose(open=0.27, width=-0.30, round=1.0),
    "v": MouthPose(open=0.24, width=-0.20, round=0.88, upper_teeth=0.25, tongue=0.55),
    "er": MouthPose(open=0.50, width=-0.05, round=0.40, upper_teeth=0.45, tongue=0.55),
}

# Dominance in blending: lips must really meet in 'm' and round in 'u', while the tongue of 'k' hardly shows.
# The idea is Cohen and Massaro, 'Modeling coarticulation in synthetic visual speech' (1993); the numbers are ours.
WEIGHTS: Final[dict[Viseme, float]] = {
    "rest": 0.8,
    "mbp": 3.0,
    "fv": 2.5,
    "td": 0.7,
    "kg": 0.5,
    "szh": 1.1,
    "zhr": 1.2,
    "th": 1.3,
    "a": 1.0,
    "o": 1.4,
    "e": 0.8,
    "eh": 1.0,
    "i": 1.1,
    "u": 1.8,
    "v": 1.8,
    "er": 0.9,
}
