"""The fleet: who the terminals are, which release each should run and when, what is ordered of them, what alarms."""
