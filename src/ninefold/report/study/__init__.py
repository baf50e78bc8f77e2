"""The report of a study: its results read from the folder, the paper's tables and figures, the page."""
