"""comparisons of the programs handed in for a challenge"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
    op.create_table(
        "comparison",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("challenge", text(length=64), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("state", text(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", moment(), nullable=True),
        sa.Column("ended_at", moment(), nullable=True),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("pairs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competition.id"], name=op.f("fk_comparison_competition_id_competition")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_comparison_created_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparison")),
    )
    op.create_index("ix_comparison_competition_id", "comparison", ["competition_id"])
    op.create_index("ix_comparison_state", "comparison", ["state"])


def downgrade() -> None:
    op.drop_index("ix_comparison_state", table_name="comparison")
    op.drop_index("ix_comparison_competition_id", table_name="comparison")
    op.drop_table("comparison")
