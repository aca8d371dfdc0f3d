"""The admin server: metrics, three questions about health, and what happened lately (`docs/monitoring.md`).

It changes nothing. Only `site` and `server` know aiohttp, and only a gate with an admin address imports them.
"""
