"""Starts a program that can make the given system calls only, as systemd's SystemCallFilter does: others fail with EPERM.

    python3 allow_calls.py FILE PROGRAM [ARGUMENT ...]

FILE has a name of a system call in each line. Names that this machine's kernel or processor doesn't have are left out.
"""
import errno
import os
import sys

import seccomp

allowed = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
with open(sys.argv[1]) as names:
    for name in names.read().split():
        # Removed long ago, or of another architecture.
        if seccomp.resolve_syscall(seccomp.Arch(), name) < 0:
            continue
        allowed.add_rule(seccomp.ALLOW, name)
allowed.load()
os.execvp(sys.argv[2], sys.argv[2:])
