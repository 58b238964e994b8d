"""The only importers of devices and networks, and a file-backed twin of each."""
