"""The admin server: pages for people, their forms, the API, metrics and health (`docs/monitoring.md`).

`page_table` lists everything. What is shown comes from `app.overview`; the only thing that forms change is the ledger.
Only a gate with an admin address imports `site`, and with it aiohttp and prometheus_client.
"""
