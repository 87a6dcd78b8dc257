"""Files as trees of values that know where they stand: YAML 1.2, JSON and TOML."""
