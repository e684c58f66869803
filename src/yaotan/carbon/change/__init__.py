"""Change of carbon stocks between dates: stock difference, gains and losses, transitions of soils."""
