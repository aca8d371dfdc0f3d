"""Rules for the tests themselves: each asserts something, has a short name and a unique one in its file."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(str(file.relative_to(TESTS)) for file in TESTS.rglob("test_*.py"))
LONGEST_NAME = 70

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    """Yield the test functions in a file's source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and node.name.startswith("test_"):
            yield node


def asserts(function: Function) -> bool:
    """Whether a test has an `assert`, a `pytest.raises`, or calls a function whose name begins with `assert_`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "pytest.raises" or name.rpartition(".")[2].startswith("assert_"):
                return True
    return False


@pytest.mark.parametrize("file", FILES)
def test_every_test_asserts_something(file: str) -> None:
    source = (TESTS / file).read_text(encoding="utf-8")
    assert [function.name for function in functions(source) if not asserts(function)] == []


@pytest.mark.parametrize("file", FILES)
def test_names_of_tests_are_short_and_unique(file: str) -> None:
    names = Counter(function.name for function in functions((TESTS / file).read_text(encoding="utf-8")))
    assert [name for name, count in names.items() if len(name) > LONGEST_NAME or count > 1] == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("assert done", True, id="assert"),
        pytest.param("with pytest.raises(OSError): open('')", True, id="pytest.raises"),
        pytest.param("harness.assert_nothing_left()", True, id="a call of assert_*"),
        pytest.param("async def main(): assert done\n    run(main())", True, id="an assert in a nested function"),
        pytest.param("run(main())", False, id="another call"),
        pytest.param("'assert nothing'", False, id="the word in a string"),
    ],
)
def test_a_test_without_an_assertion_is_found(body: str, expected: bool) -> None:
    (function,) = functions(f"def test_it():\n    {body}")
    assert asserts(function) is expected
