"""Where a setting was written, in the words of an error message."""

from collections.abc import Mapping

from msgspec import Struct


class Origin(Struct, frozen=True):
    """The file and the environment variables that the settings come from.

    `file` is empty for the built-in defaults. `variables` holds the variable that set a key, by dotted key
    (`limits.tunnels`).
    """

    file: str
    variables: Mapping[str, str]

    def place(self, key: str, number: int | None = None, inner: str = "") -> str:
        """Where the value of `key` stands, or its `number`th item counted from 1, or of that the key `inner`."""
        if key in self.variables:
            return self.variables[key] if number is None else f"{self.variables[key]}, item {number}"
        parts = [key] if number is None else [key, f"item {number}", inner]
        return ": ".join(filter(None, (self.file, ", ".join(filter(None, parts)))))

    def __str__(self) -> str:
        file = self.file or "the built-in defaults"
        return f"{file} with {', '.join(sorted(self.variables.values()))}" if self.variables else file
