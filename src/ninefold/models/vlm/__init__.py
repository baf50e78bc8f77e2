"""Image-text-to-text models: prompts, batches, greedy decoding, option scores."""
