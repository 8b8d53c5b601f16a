"""`python -m config.embedded`: what the root script `chartroom` becomes once .venv is there."""

import sys

from config.embedded import arguments
from config.embedded.refusal import Refusal


def main() -> int:
    """Run the command; a Refusal is one sentence on standard error and exit code 1."""
    options = arguments.parse(sys.argv[1:])
    try:
        if options.command == "test":
            from config.embedded import testing

            return testing.run(options.rest, no_browser=options.no_browser)
        if options.command == "up":
            from config.embedded import supervisor

            return supervisor.up(options)
        from config.embedded import commands

        if options.command == "manage":
            return commands.manage(options.data, options.arguments)
        return commands.bench(options.arguments)
    except Refusal as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
