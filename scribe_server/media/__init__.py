"""Whole-session audio from stored parts; hostile media is read by a helper process only."""
