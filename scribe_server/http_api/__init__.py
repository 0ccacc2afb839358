"""REST: reading, renaming and deleting sessions; audio; health; keys."""
