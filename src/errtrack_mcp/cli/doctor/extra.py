"""The extra that resolves stack traces: is it there, and can it be had."""

import sys
import sysconfig

from errtrack_mcp.cli.doctor.run import DoctorRun, Finding, passed
from errtrack_mcp.symbolication.process import is_installed

WITHOUT_IT = "not installed: stack traces are not resolved, and nothing is said of what is in the file of a symbol set"


async def check_extra(run: DoctorRun) -> Finding:  # noqa: ARG001 - it depends on this machine alone
    """See whether the extra `symbolicate` is there. Everything else works without it."""
    if is_installed():
        return passed("installed: stack traces can be resolved")
    return missing(sys.platform, str(sysconfig.get_config_var("SOABI") or ""))


def missing(platform: str, abi: str) -> Finding:
    """Say how to get the extra on a platform and ABI of Python, or that it cannot be had there. Pure."""
    if platform == "win32" or "musl" in abi:
        where = "Windows" if platform == "win32" else "Linux with musl"
        return passed(f"{WITHOUT_IT}; there is no such extra for {where}")
    return Finding("ok", WITHOUT_IT, "To have it: pip install 'errtrack-mcp[symbolicate]'.")
