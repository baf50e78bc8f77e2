"""Answer formats: readers of a model's text, given the options of the example. One class per file."""
