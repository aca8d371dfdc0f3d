"""The admin server: metrics, health, and recent activity (`docs/monitoring.md`).

It changes nothing. Only `site` and `server` know aiohttp, and only a gate with an admin address imports them.
"""
