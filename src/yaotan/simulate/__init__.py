"""A small study with known truth, written in the products' own layouts (`yaotan.simulate_study`)."""
