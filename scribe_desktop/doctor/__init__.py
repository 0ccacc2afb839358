"""`scribe doctor`: whether all that Scribe needs is there, and all that it keeps is whole."""
