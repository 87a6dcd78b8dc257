"""Text to declared things: the formula parser, model files and data sources."""
