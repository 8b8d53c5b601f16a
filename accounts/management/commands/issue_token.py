"""`issue_token USER`: print a new API token."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User, Voucher
from accounts.services import issue_token


class Command(BaseCommand):
    help = "Print a new API token of a user. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--hours", type=int, default=None)
        parser.add_argument("--label", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username__iexact=options["username"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['username']}.")
        text, _ = issue_token(
            by=user, user=user, label=options["label"], hours=options["hours"], vouched_by=Voucher.OPERATOR
        )
        if user.needs_second_factor and not user.has_second_factor:
            self.stderr.write(
                f"{user.username} has not added the second factor that her role needs. This token works without it,"
                " because it was made here."
            )
        self.stdout.write(text)
