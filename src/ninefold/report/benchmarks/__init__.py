"""Public benchmarks in reports: the section of one benchmark, and tables in the form of those of papers."""
