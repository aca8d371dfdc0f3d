"""Settings files of a test, loaded or refused."""

from pathlib import Path

from licensegate.app.settings import Settings, load

KEY = "-----BEGIN PRIVATE KEY-----\n"


def settings_of(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "gate.toml"
    path.write_text(text)
    return load(path, environ or {})


def pem_files(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate, its key and a CA that pass the checks of the settings."""
    files = folder / "gate.pem", folder / "gate.key", folder / "clients-ca.pem"
    for file, content in zip(files, ("", KEY, ""), strict=True):
        file.write_text(content)
    return files
