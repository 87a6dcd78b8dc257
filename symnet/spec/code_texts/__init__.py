"""The long texts of the codes, by range."""
