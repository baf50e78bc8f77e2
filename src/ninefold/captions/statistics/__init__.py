"""The statistics of data sets: the paper's Tables 1, 2 and 11, pairs by frame and form, and what the checks reject."""
