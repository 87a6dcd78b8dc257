"""The training of models: what a step computes, and the loop that runs it."""
