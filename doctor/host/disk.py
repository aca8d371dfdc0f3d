"""The step `disk`: space, inodes and write protection where the gate keeps state and writes its logs."""

import os
from pathlib import Path
from typing import Final

from licensegate.app.settings import Settings

from ..step import StepResult, failed, merged, ok, skipped, warning

_LOW_BYTES: Final = 100 << 20
_FEW_INODES: Final = 1000
_MEGABYTE: Final = 1 << 20


def look_at_disks(settings: Settings) -> StepResult:
    """Look at the file systems of the state directory and of the logs' folders."""
    folders: dict[Path, str] = {}
    for key, path in settings.log.files.items():
        folders.setdefault(Path(os.path.realpath(path)).parent, key)
    if settings.state_directory is not None:
        folders.setdefault(settings.state_directory, "state.directory")
    results = [judge_disk(place, folder) for folder, place in folders.items()]
    return merged(results) if results else skipped("the settings name neither a log file nor a state directory")


def judge_disk(place: str, folder: Path) -> StepResult:
    """Judge the file system that a folder is on; a folder that is still to be made is on that of its parent."""
    try:
        found = os.statvfs(folder if folder.exists() else folder.parent)
    except OSError as error:
        return failed(f"{place}: {folder}: {error.strerror}", f"make {folder} for the gate's user")
    return judge_file_system(f"{place}: {folder}", found)


def judge_file_system(what: str, found: os.statvfs_result) -> StepResult:
    """Judge what statvfs(3) says; one that counts no inodes, or no space at all, says 0 of 0."""
    free = found.f_bavail * found.f_frsize
    if found.f_flag & os.ST_RDONLY:
        return failed(f"{what} is on a read-only file system", "mount it for writing, or name another folder")
    if not found.f_blocks:
        return skipped(f"{what}: its file system does not say how much is free")
    if not found.f_bavail:
        return failed(f"{what}: the disk is full", "free space there, and rotate the log (deploy/logrotate.conf)")
    if found.f_files and not found.f_favail:
        return failed(f"{what}: no inode is left", "remove small files there")
    if free < _LOW_BYTES:
        return warning(f"{what}: only {free // _MEGABYTE} MB are free", "free space there before the log fills it")
    if found.f_files and found.f_favail < _FEW_INODES:
        return warning(f"{what}: only {found.f_favail} inodes are free", "remove small files there")
    return ok(f"{what}: {free // _MEGABYTE} MB free")
