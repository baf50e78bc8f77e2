"""lmms-eval: our models in it through its plug-in entry point, and its benchmarks as evaluations of ours."""
