"""The parts of the measuring rig. Nothing but Python's own library."""
