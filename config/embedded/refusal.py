"""What the launcher says when it will not go on."""


class Refusal(Exception):
    """One clear sentence for the person at the terminal; the launcher prints it and exits with 1."""
