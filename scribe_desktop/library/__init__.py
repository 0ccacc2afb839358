"""What the person owns: recordings put together again, exported, checked, and let go."""
