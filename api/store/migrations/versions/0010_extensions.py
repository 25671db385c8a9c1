"""later deadlines of single entries"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    types = sqlmodel.sql.sqltypes
    op.create_table(
        "extension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("competition_challenge_id", sa.Integer(), nullable=True),
        sa.Column("closes_at", types.UTCDateTime(), nullable=False),
        sa.Column("reason", types.AutoString(length=500), nullable=False),
        sa.Column("created_at", types.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_challenge_id"],
            ["competition_challenge.id"],
            name=op.f("fk_extension_competition_challenge_id_competition_challenge"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_extension_created_by_person")),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_extension_entry_id_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
    )
    op.create_index("ix_extension_entry_id", "extension", ["entry_id"])


def downgrade() -> None:
    op.drop_index("ix_extension_entry_id", table_name="extension")
    op.drop_table("extension")
