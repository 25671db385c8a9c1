"""teams, cohorts and their staff, and the rules of a season"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

RULES = ("late", "counts", "freeze_at", "thawed_at", "private", "team_size", "named", "step", "feedback")


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
    op.add_column("competition", sa.Column("late", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("competition", sa.Column("counts", text(length=32), nullable=False, server_default="best"))
    op.add_column("competition", sa.Column("freeze_at", moment(), nullable=True))
    op.add_column("competition", sa.Column("thawed_at", moment(), nullable=True))
    op.add_column("competition", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("competition", sa.Column("team_size", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("competition", sa.Column("named", sa.Integer(), nullable=True))
    op.add_column("competition", sa.Column("step", sa.Float(), nullable=True))
    op.add_column("competition", sa.Column("feedback", text(length=2), nullable=True))
    op.add_column("standing", sa.Column("standard_error", sa.Float(), nullable=True))
    op.create_table(
        "cohort",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("name", text(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competition.id"], name=op.f("fk_cohort_competition_id_competition")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort")),
        sa.UniqueConstraint("competition_id", "name", name=op.f("uq_cohort_competition_id_name")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("cohort_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_staff_cohort_id_cohort")),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competition.id"], name=op.f("fk_staff_competition_id_competition")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_staff_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )
    op.create_index("ix_staff_competition_id", "staff", ["competition_id"])
    op.create_index("ix_staff_person_id", "staff", ["person_id"])
    op.create_table(
        "member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("email", text(length=254), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competition.id"], name=op.f("fk_member_competition_id_competition")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_member_entry_id_entry")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_member_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("competition_id", "email", name=op.f("uq_member_competition_id_email")),
        sa.UniqueConstraint("competition_id", "person_id", name=op.f("uq_member_competition_id_person_id")),
    )
    op.create_index("ix_member_entry_id", "member", ["entry_id"])
    op.create_index("ix_member_person_id", "member", ["person_id"])
    op.execute(
        "INSERT INTO member (competition_id, entry_id, person_id) "
        "SELECT competition_id, id, person_id FROM entry ORDER BY id"
    )
    op.drop_index("ix_entry_person_id", table_name="entry")
    with op.batch_alter_table("entry") as table:
        table.drop_constraint("uq_entry_competition_id_person_id", type_="unique")
        table.drop_constraint("fk_entry_person_id_person", type_="foreignkey")
        table.drop_column("person_id")
        table.add_column(sa.Column("cohort_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("baseline", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.create_foreign_key(op.f("fk_entry_cohort_id_cohort"), "cohort", ["cohort_id"], ["id"])
    op.create_index("ix_entry_cohort_id", "entry", ["cohort_id"])
    _weeks()


def _weeks() -> None:
    """Boards of the weeks there are, out of those of their challenges."""
    op.execute(
        """
        INSERT INTO standing (competition_id, board, view, entry_id, points, solved, reached_at)
        SELECT s.competition_id, 'week:' || w.number, s.view, s.entry_id, sum(s.points), sum(s.solved),
            coalesce(max(CASE WHEN s.points > 0 THEN s.reached_at END),
                max(CASE WHEN s.points IS NOT NULL THEN s.reached_at END))
        FROM standing s
        JOIN competition_challenge c ON c.competition_id = s.competition_id AND c.challenge = s.board
        JOIN (
            SELECT competition_id, week,
                row_number() OVER (PARTITION BY competition_id ORDER BY min(position)) AS number
            FROM competition_challenge WHERE week IS NOT NULL GROUP BY competition_id, week
        ) w ON w.competition_id = c.competition_id AND w.week = c.week
        GROUP BY s.competition_id, w.number, s.view, s.entry_id
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM standing WHERE board LIKE 'week:%' OR view = 'frozen'")
    op.drop_index("ix_entry_cohort_id", table_name="entry")
    with op.batch_alter_table("entry") as table:
        table.drop_constraint("fk_entry_cohort_id_cohort", type_="foreignkey")
        table.drop_column("baseline")
        table.drop_column("cohort_id")
        table.add_column(sa.Column("person_id", sa.Integer(), nullable=True))
    # Of a team the first one keeps the entry: before, an entry was one person's.
    op.execute(
        "UPDATE entry SET person_id = (SELECT m.person_id FROM member m WHERE m.entry_id = entry.id "
        "ORDER BY m.id LIMIT 1)"
    )
    with op.batch_alter_table("entry") as table:
        table.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
        table.create_foreign_key("fk_entry_person_id_person", "person", ["person_id"], ["id"])
        table.create_unique_constraint("uq_entry_competition_id_person_id", ["competition_id", "person_id"])
    op.create_index("ix_entry_person_id", "entry", ["person_id"])
    op.drop_index("ix_member_person_id", table_name="member")
    op.drop_index("ix_member_entry_id", table_name="member")
    op.drop_table("member")
    op.drop_index("ix_staff_person_id", table_name="staff")
    op.drop_index("ix_staff_competition_id", table_name="staff")
    op.drop_table("staff")
    op.drop_table("cohort")
    with op.batch_alter_table("standing") as table:
        table.drop_column("standard_error")
    with op.batch_alter_table("competition") as table:
        for name in reversed(RULES):
            table.drop_column(name)
