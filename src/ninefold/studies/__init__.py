"""Studies: data sets, runs and reports that are made together."""
