"""Tests of the pages in a browser. A package, so that its fixtures end with it: a browser that is open runs asyncio."""
