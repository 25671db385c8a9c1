"""submissions are found by their files"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_submission_digest", "submission", ["digest"])


def downgrade() -> None:
    op.drop_index("ix_submission_digest", table_name="submission")
