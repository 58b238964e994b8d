"""Every neural network, described and called one way."""
