"""Adapters of training runs in the forms that other programs read: PEFT, merged into their base, vLLM."""
