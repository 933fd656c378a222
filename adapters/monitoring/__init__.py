"""The monitoring contract: probes on CIs, their samples, and alerts made from them."""
