"""Layer-wise probes: hidden states, and what a linear classifier reads from each layer."""
