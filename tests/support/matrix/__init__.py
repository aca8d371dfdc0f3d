"""Parts of the matrix of failures: servers, ways and clients, as `tests/diagnosis/scenarios/` names them."""
