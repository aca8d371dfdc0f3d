"""The step `settings`: what `licensegate check` warns about."""

from collections.abc import Callable, Iterable

from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.pem import CertificateError
from licensegate.proxy.auth.user_files import LoginFileError

from ..step import StepResult, failed, merged, ok, warning

Warn = Callable[[], Iterable[str]]
"""Warns about probable mistakes, each as `what; cure`. Raises the errors of files that the gate could not use."""


def look_at_settings(settings: Settings, warn: Warn) -> StepResult:
    """Collect the warnings about the settings in force."""
    try:
        results = [_with_cure(text) for text in warn()]
    except (CertificateError, LoginFileError, SettingsError) as error:
        return failed(str(error), "change that file, or name another in the settings")
    return merged(results) if results else ok(f"{settings.source}; policy {settings.policy.hash}")


def _with_cure(text: str) -> StepResult:
    what, _, cure = text.partition("; ")
    return warning(what, cure or "docs/settings.md explains the key")
