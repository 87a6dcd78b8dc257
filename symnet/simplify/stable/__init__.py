"""What makes formulas accurate in floating point: heads, scalar rules, sums of exponentials, facts about tensors."""
