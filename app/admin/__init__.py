"""The admin server: metrics, health, and recent activity (`docs/monitoring.md`).

It changes nothing. Only a gate with an admin address imports `site`, and with it aiohttp and prometheus_client.
"""
