"""people and submissions whose data was taken away"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("person", "submission"):
        op.add_column(table, sa.Column("erased_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))


def downgrade() -> None:
    for table in ("submission", "person"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("erased_at")
