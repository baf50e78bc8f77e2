"""Exports: data sets in the forms that other trainers and evaluators read, one file a form."""
