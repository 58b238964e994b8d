"""Clips of visitors and of attacks, made from still portraits: turning, blinking, coming nearer, prints, telephones.

Nothing private is needed: the default portrait is in the public domain, others are given with `--portraits DIR`.
Everything made here is synthetic and is named so in results.
"""
