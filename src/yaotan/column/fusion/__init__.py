"""Satellites together: one brought to another's level, and several made one."""
