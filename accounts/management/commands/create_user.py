"""`create_user`: add somebody from the command line; the first administrator is made this way."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.roles import Role
from accounts.services import create_user
from common.errors import RuleBroken


class Command(BaseCommand):
    help = "Add a user. The password is read from the terminal, or from standard input when there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            help=f"One of {', '.join(role for role in Role.values if role != Role.SERVICE)}, or the hospital's own.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if password != getpass.getpass("Again: "):
                raise CommandError("The two passwords differ.")
        else:
            password = sys.stdin.readline().rstrip("\n")
        try:
            user = create_user(
                username=options["username"],
                name=options["name"] or options["username"],
                email=options["email"],
                password=password,
                roles=options["role"],
            )
        except RuleBroken as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(f"Added {user.username}.")
