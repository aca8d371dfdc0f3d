"""What a person wants to know of a running gate, as values: the pages, `/api/` and the terminal show these."""
