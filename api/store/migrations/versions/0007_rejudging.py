"""rejudgings: sets of judgings beside those that count"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RUNNING = "state = 'running'"
CONTEST = f"{RUNNING} AND lane = 'contest'"


def _one_running(where: str) -> None:
    op.drop_index("uq_judging_running", table_name="judging")
    op.create_index(
        "uq_judging_running",
        "judging",
        ["entry_id", "challenge"],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    op.create_table(
        "rejudging",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("selection", sa.JSON(), nullable=False),
        sa.Column("state", sa.Enum("open", "applied", "dropped", native_enum=False, length=32), nullable=False),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_rejudging_created_by_person")),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_rejudging_ended_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejudging")),
    )
    with op.batch_alter_table("judging") as table:
        table.add_column(sa.Column("rejudging_id", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_judging_rejudging_id_rejudging"), "rejudging", ["rejudging_id"], ["id"])
    op.create_index("ix_judging_rejudging_id", "judging", ["rejudging_id"])
    _one_running(CONTEST)


def downgrade() -> None:
    _one_running(RUNNING)
    op.drop_index("ix_judging_rejudging_id", table_name="judging")
    with op.batch_alter_table("judging") as table:
        table.drop_constraint(op.f("fk_judging_rejudging_id_rejudging"), type_="foreignkey")
        table.drop_column("rejudging_id")
    op.drop_table("rejudging")
