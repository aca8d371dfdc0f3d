import pytest

from licensegate.proxy.wire.via import OUR_NAME, names_us, passed_on


@pytest.mark.parametrize(
    "via",
    [
        f"1.1 {OUR_NAME}",
        f"1.0 {OUR_NAME.upper()}",
        f"1.1 edge, 1.1 {OUR_NAME}, 1.1 parent.test (squid/5.7)",
        f"1.1 edge,1.1\t{OUR_NAME}(a comment)",
    ],
    ids=["alone", "in capitals", "among others", "squeezed in"],
)
def test_our_own_name_is_found_anywhere_in_a_via_field(via: str) -> None:
    assert names_us(via)


@pytest.mark.parametrize(
    "via",
    [
        "",
        "1.1 edge",
        "1.1 licensegate-0123456789ab",
        f"1.1 {OUR_NAME}a",
        f"1.1 x{OUR_NAME}",
        f"1.1 {OUR_NAME}.example.net",
    ],
    ids=["none", "edge", "another gate", "a longer name", "a name that ends so", "a host of that name"],
)
def test_another_gate_is_not_taken_for_this_one(via: str) -> None:
    assert not names_us(via)


def test_our_name_has_a_random_part_and_is_one_word() -> None:
    assert OUR_NAME.startswith("licensegate-")
    assert len(OUR_NAME) > len("licensegate-") + 8
    assert OUR_NAME.replace("-", "").isalnum()


def test_our_name_is_added_behind_those_of_earlier_proxies() -> None:
    assert passed_on("", "") == f"1.1 {OUR_NAME}"
    assert passed_on("", "1.0") == f"1.0 {OUR_NAME}"
    assert passed_on("1.1 a, 1.1 b", "1.1") == f"1.1 a, 1.1 b, 1.1 {OUR_NAME}"
