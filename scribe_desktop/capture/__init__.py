"""Sound becomes chunks in the spool: microphone or file, ring, encoder, cutter, journal."""
