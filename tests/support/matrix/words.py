"""What the page calls each client."""

from support.matrix.clients import CLIENTS
from support.matrix.requests import REQUESTS


def client_in_words(name: str) -> str:
    """The client's name for readers."""
    return (CLIENTS.get(name) or REQUESTS[name])[0]
