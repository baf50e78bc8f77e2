"""The engine of a served language model: prompts, paid responses kept in a file, tolerant reading of its JSON."""
