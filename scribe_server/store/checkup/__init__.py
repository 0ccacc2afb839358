"""Whether everything that the books promise is on the disk, and mending what can be mended."""
