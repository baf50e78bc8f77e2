"""The few errors a user can meet. Each message is one line: what was wrong, where, and what to do."""


class NinefoldError(Exception):
    """A mistake the user can mend; the command line prints the message alone and exits with code 2."""


class DataError(NinefoldError):
    """A data set, annotation file or picture that cannot be used as it is."""


class DesignError(NinefoldError):
    """A design that cannot exist, such as more things than the grid has cells for."""


class ModelError(NinefoldError):
    """A model that cannot be found, loaded, or asked for what was wanted."""


class RunError(NinefoldError):
    """A run folder that is missing, unfinished, or belongs to another specification."""
