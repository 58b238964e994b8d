"""What the terminal does at the core bank, for a visitor whose identity was checked."""
