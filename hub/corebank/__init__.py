"""A simulated core bank: invented customers, a real HTTP interface, delays and failures on demand. Not a bank."""
