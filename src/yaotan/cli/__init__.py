"""The command line: a thin table over the public verbs."""
