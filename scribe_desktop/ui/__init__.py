"""The window and the tray: the only folder that uses Qt."""
