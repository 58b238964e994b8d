"""A bank branch's lobby to test hearing in: rooms, voices, sentences, scenes, and the real ears in them.

Everything is seeded and the same to the sample each time. All speech is synthetic, made with the product's own
synthesiser, unless a manifest of recordings is given.
"""
