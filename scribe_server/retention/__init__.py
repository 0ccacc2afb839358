"""How long audio stays where: hot in the segments, warm in archives, cold without audio."""
