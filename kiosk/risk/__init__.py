"""Risk before action: what a visitor says is weighed before money moves. Decides nothing about money itself."""
