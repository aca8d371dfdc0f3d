"""Where settings come from, for error messages."""

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
        """The place of the value of `key`, or of a part of it; `within` are keys and items counted from 1.

        For a value from a variable, which has items but no keys, the keys are left out.
        """
        if key in self.variables:
            steps = [self.variables[key], *(f"item {step}" for step in within if isinstance(step, int))]
            return ", ".join(steps)
        steps = [key, *(f"item {step}" if isinstance(step, int) else step for step in within)]
        return ": ".join(filter(None, (self.file, ", ".join(filter(None, steps)))))

    def __str__(self) -> str:
        file = self.file or "the built-in defaults"
        return f"{file} with {', '.join(sorted(self.variables.values()))}" if self.variables else file
