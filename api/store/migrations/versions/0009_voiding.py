"""submissions that are voided"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    types = sqlmodel.sql.sqltypes
    op.add_column("submission", sa.Column("voided_at", types.UTCDateTime(), nullable=True))
    op.add_column("submission", sa.Column("void_reason", types.AutoString(length=500), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("submission") as table:
        for name in ("void_reason", "voided_at"):
            table.drop_column(name)
