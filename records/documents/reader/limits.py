"""What the child process may use. A file that wants more ends the child, not the hospital's computer."""

import ctypes
import os
import resource
import signal

PR_SET_PDEATHSIG = 1
MEMORY_BYTES = 3 * 1024**3
FILE_BYTES = 512 * 1024**2
CPU_SECONDS = 3600


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the one with id `parent` ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def confine() -> None:
    """Set the limits; children of this process inherit them."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit is an error, not the end
    os.umask(0o077)
    os.nice(5)
