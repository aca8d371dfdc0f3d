"""New inputs from known ones, by Hypothesis: pieces are replaced, repeated, or taken from another input."""

from collections.abc import Sequence

from hypothesis import strategies as st

from .target import FuzzTarget

_MOST_CHANGES = 6
_LONGEST_PIECE = 40


@st.composite
def _changed(draw: st.DrawFn, examples: Sequence[bytes], words: Sequence[bytes], largest: int) -> bytes:
    """An example with some changes."""
    data = bytearray(draw(st.sampled_from(examples)))
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 4))
        match draw(st.integers(0, 3)):
            case 0:
                data[start:end] = draw(st.binary(max_size=4))
            case 1:
                other = draw(st.sampled_from(examples))
                begin = draw(st.integers(0, len(other)))
                data[start:end] = other[begin : begin + draw(st.integers(0, _LONGEST_PIECE))]
            case 2:
                piece = bytes(data[start : start + draw(st.integers(1, _LONGEST_PIECE))])
                data[start:start] = piece * draw(st.integers(1, 20))
            case _:
                data[start:end] = draw(st.sampled_from(words))
    return bytes(data[:largest])


def any_input(target: FuzzTarget, examples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Inputs for a target: changed examples, words in any order, and any bytes."""
    return st.one_of(
        _changed(examples, target.words, target.largest),
        st.lists(st.sampled_from(target.words), max_size=12).map(b"".join),
        st.binary(max_size=min(target.largest, 64)),
    )
