"""Engines on the machines of a Ray cluster, an extra: any other engine, or language models by vLLM."""
