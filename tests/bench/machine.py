"""What the measurements ran on, in words."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from tests.bench.results import LOAD

LIBRARIES = (
    "aiohttp",
    "python-socketio",
    "python-engineio",
    "uvloop",
    "msgspec",
    "SQLAlchemy",
    "av",
    "picows",
    "persist-queue",
    "litequeue",
    "sqlite-utils",
    "matplotlib",
)
PROGRAMS = {
    "Node.js": ("node", "--version"),
    "PostgreSQL": ("postgres", "--version"),
    "opusenc": ("opusenc", "--version"),
    "ffmpeg": ("ffmpeg", "-version"),
}  # fmt: skip
IN_MEMORY = {"tmpfs", "ramfs"}


def file_system(folder: Path) -> tuple[str, str]:
    """(device, type) of the file system that holds a folder."""
    resolved = folder.resolve()
    holders = [
        partition
        for partition in psutil.disk_partitions(all=True)
        if resolved.is_relative_to(partition.mountpoint)
    ]
    holder = max(holders, key=lambda partition: len(partition.mountpoint))
    return holder.device, holder.fstype


def describe(folder: Path) -> tuple[tuple[str, str], ...]:
    """(name, description) of all that a reader needs to compare with another machine."""
    device, kind = file_system(folder)
    memory = psutil.virtual_memory()
    return (
        ("CPU", f"{cpu_model()}, {psutil.cpu_count()} cores, shared by server and load generator"),
        ("Memory", f"{memory.total / 1e9:.1f} GB"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
        ("Data folders of all contestants", f"{kind} on {disk(device)}"),
        (LOAD, f"{os.getloadavg()[0]:.2f}"),
        ("Python", platform.python_version()),
        ("Libraries", ", ".join(installed(LIBRARIES))),
        ("Programs", ", ".join(f"{name} {programs_version(*command)}"
                               for name, command in PROGRAMS.items())),
    )  # fmt: skip


def cpu_model() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or "an unnamed processor"


def disk(device: str) -> str:
    """The block device's name and what its queue says of it."""
    name = Path(device).name
    turning = Path("/sys/class/block") / name / "queue" / "rotational"
    if not turning.is_file():
        return device
    turns = turning.read_text(encoding="utf-8").strip() == "1"
    return f"{name} ({'reports itself as rotational' if turns else 'not rotational'})"


def installed(names: tuple[str, ...]) -> list[str]:
    """Those of the libraries that are there, with their versions."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found


def programs_version(program: str, flag: str) -> str:
    """The first version number that a program says of itself."""
    from tests.bench.postgres import find

    path = find(program)
    if path is None:
        return "not installed"
    done = subprocess.run([path, flag], capture_output=True, text=True, check=True)
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found[0] if found else done.stdout.splitlines()[0]
