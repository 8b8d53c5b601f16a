"""What Chartroom's models need of allauth, without the middleware that its own application insists on."""

from allauth.account.apps import AccountConfig


class Bare(AccountConfig):
    """Tables only."""

    def ready(self) -> None:
        """A bare view signs nobody in."""
