"""The long-session simulator: many recorders at once, and proof that nothing was lost."""
