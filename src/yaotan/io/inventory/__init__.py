"""Emission inventories of others: workbooks and tables, each told by its content."""
