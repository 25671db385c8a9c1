"""competitions with weeks, days and a quota"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
    op.add_column("competition", sa.Column("time_zone", text(length=64), nullable=False, server_default="UTC"))
    op.add_column("competition", sa.Column("per_day", sa.Integer(), nullable=True))
    op.add_column("competition_challenge", sa.Column("week", text(length=200), nullable=True))
    for name in ("opens_at", "closes_at"):
        op.add_column("competition_challenge", sa.Column(name, moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("competition_challenge") as table:
        for name in ("closes_at", "opens_at", "week"):
            table.drop_column(name)
    with op.batch_alter_table("competition") as table:
        for name in ("per_day", "time_zone"):
            table.drop_column(name)
