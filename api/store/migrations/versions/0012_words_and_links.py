"""announcements, clarifications, links to set a password, and what the audit log belongs to"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, moment = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
    op.create_table(
        "password_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("digest", text(length=64), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_password_link_created_by_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_password_link_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_password_link_digest")),
        sa.UniqueConstraint("person_id", name=op.f("uq_password_link_person_id")),
    )
    op.create_table(
        "announcement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("title", text(length=200), nullable=False),
        sa.Column("text", text(length=4000), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competition.id"], name=op.f("fk_announcement_competition_id_competition")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_announcement_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
    )
    op.create_index("ix_announcement_competition_id", "announcement", ["competition_id"])
    op.create_table(
        "clarification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("competition_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("challenge", text(length=64), nullable=True),
        sa.Column("asked_at", moment(), nullable=False),
        sa.Column("question", text(length=4000), nullable=False),
        sa.Column("answered_at", moment(), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("answer", text(length=4000), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competition.id"], name=op.f("fk_clarification_competition_id_competition")
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_clarification_entry_id_entry")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_clarification_person_id_person")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_clarification_answered_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clarification")),
    )
    op.create_index("ix_clarification_competition_id", "clarification", ["competition_id"])
    op.create_index("ix_clarification_entry_id", "clarification", ["entry_id"])
    with op.batch_alter_table("audit") as table:
        table.add_column(sa.Column("competition_id", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_audit_competition_id_competition"), "competition", ["competition_id"], ["id"])
    op.create_index("ix_audit_competition_id", "audit", ["competition_id"])


def downgrade() -> None:
    op.drop_index("ix_audit_competition_id", table_name="audit")
    with op.batch_alter_table("audit") as table:
        table.drop_constraint("fk_audit_competition_id_competition", type_="foreignkey")
        table.drop_column("competition_id")
    op.drop_index("ix_clarification_entry_id", table_name="clarification")
    op.drop_index("ix_clarification_competition_id", table_name="clarification")
    op.drop_table("clarification")
    op.drop_index("ix_announcement_competition_id", table_name="announcement")
    op.drop_table("announcement")
    op.drop_table("password_link")
