"""The report: one HTML file with figures, in English or Chinese."""
