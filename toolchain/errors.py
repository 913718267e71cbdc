"""The one error of the set-up: what is wrong and what to do about it, in a sentence."""


class ToolchainError(Exception):
    """Set-up cannot go on; the text is shown to the user as it is."""
