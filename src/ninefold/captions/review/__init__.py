"""The human check: a sample of pairs, a local page to judge them, and error rates with the judges' agreement."""
