"""Answer formats: how a text is read, given an example's own options. One class a file."""
