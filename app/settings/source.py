"""Where a setting was written, in the words of an error message."""

from collections.abc import Mapping

from msgspec import Struct


class SettingsSource(Struct, frozen=True):
    """The file and the environment variables that the settings come from.

    `file` is empty for the built-in defaults. `variables` holds the variable that set a key, by dotted key
    (`limits.tunnels`).
    """

    file: str
    variables: Mapping[str, str]

    def place(self, key: str, *within: str | int) -> str:
        """Where the value of `key` stands, or what lies within it: the name of a key, or an item counted from 1.

        A variable holds no keys, so of these only the items are named there.
        """
        if key in self.variables:
            steps = [self.variables[key], *(f"item {step}" for step in within if isinstance(step, int))]
            return ", ".join(steps)
        steps = [key, *(f"item {step}" if isinstance(step, int) else step for step in within)]
        return ": ".join(filter(None, (self.file, ", ".join(filter(None, steps)))))

    def __str__(self) -> str:
        file = self.file or "the built-in defaults"
        return f"{file} with {', '.join(sorted(self.variables.values()))}" if self.variables else file
