"""Training: LoRA on examples."""
