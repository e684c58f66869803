"""Files in and out: the only layer that opens data files."""
