"""The command line of `./chartroom`."""

import argparse
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

EPILOG = """environment:
  CHARTROOM_DATA       the default of --data
  DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL, CHARTROOM_STORAGE
                       use these instead of starting PostgreSQL, Valkey and a files folder
See docs/operators/ for the rest."""


def _port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not a port number")
    return int(value)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="./chartroom",
        description="The medical-records department of a hospital as software.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--data",
        metavar="DIR",
        default=os.environ.get("CHARTROOM_DATA") or str(ROOT / "chartroom-data"),
        help="the data folder (default: CHARTROOM_DATA, else chartroom-data beside this script)",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", parents=[data], help="start Chartroom; Ctrl-C stops it")
    up.add_argument("--port", type=_port, default=8000, metavar="N", help="default 8000; 0 takes a free one")
    up.add_argument("--host", default="127.0.0.1", metavar="ADDR", help="address to listen on (127.0.0.1)")
    up.add_argument("--no-demo", action="store_true", help="start empty, without the demonstration hospital")

    test = commands.add_parser("test", add_help=False, help="run the tests; further arguments go to pytest")
    test.add_argument("--no-browser", action="store_true", help="leave the browser journeys out")

    manage = commands.add_parser(
        "manage", parents=[data], help="run a management command on that data folder, running or not"
    )
    manage.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND …")

    bench = commands.add_parser("bench", help="run one benchmark of bench/, or all")
    bench.add_argument("arguments", nargs=argparse.REMAINDER, metavar="[NAME] …")

    setup = commands.add_parser("setup", help="make .venv and stop")
    setup.add_argument("--tests", action="store_true", help="with what the tests and checks need")
    return top


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; `needs_tests` says whether .venv must hold the test tools, `rest` what pytest gets."""
    top = parser()
    options, rest = top.parse_known_args(arguments)
    if rest and options.command != "test":
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    if options.command == "manage" and not options.arguments:
        top.error("manage needs a command, for instance: ./chartroom manage help")
    options.rest = rest
    options.needs_tests = options.command in {"test", "bench"} or bool(getattr(options, "tests", False))
    return options
