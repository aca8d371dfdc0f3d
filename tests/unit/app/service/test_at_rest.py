"""What a gate at rest has in memory, with a ledger and the admin server: nothing that it needs only later."""

import subprocess
import sys

LATER = (
    "cryptography",
    "jinja2",
    "psycopg",
    "rich",
    "licensegate.licensing.outputs",
    "licensegate.licensing.text.clean",
    "sqlalchemy.dialects.postgresql",
)


def test_what_is_needed_only_later_is_not_loaded() -> None:
    code = (
        "import sys, licensegate.app.service.run, licensegate.app.admin.site, licensegate.ledger.store\n"
        "from licensegate.ledger import tables\n"
        "tables.merge(tables.contacts, 'sqlite', adding=True)\n"
        f"print(*(set({LATER!r}) & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""
