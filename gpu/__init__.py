"""One card, three tiers, few swaps: reserved for the inference queue, which later work builds."""
