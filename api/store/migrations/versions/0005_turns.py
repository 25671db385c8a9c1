"""judgings are served by fair key, not by time of receipt"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SERVED = sa.text("epoch > 0")


def upgrade() -> None:
    for name in ("fair_key", "cost_seconds"):
        op.add_column("judging", sa.Column(name, sa.Float(), nullable=False, server_default=sa.text("0")))
    op.drop_index("ix_judging_queue", table_name="judging")
    op.create_index("ix_judging_queue", "judging", ["state", "fair_key", "id"])
    op.create_index("ix_judging_entry", "judging", ["entry_id", "fair_key"])
    op.create_index("ix_judging_ended", "judging", ["challenge", "ended_at"])
    op.create_index("ix_judging_served", "judging", ["fair_key"], sqlite_where=SERVED, postgresql_where=SERVED)


def downgrade() -> None:
    for name in ("queue", "entry", "ended", "served"):
        op.drop_index(f"ix_judging_{name}", table_name="judging")
    op.create_index("ix_judging_queue", "judging", ["state", "received_at", "id"])
    with op.batch_alter_table("judging") as table:
        for name in ("cost_seconds", "fair_key"):
            table.drop_column(name)
