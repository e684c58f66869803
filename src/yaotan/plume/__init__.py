"""Point sources: plumes found in images and on tracks, and the emission they stand for."""
