"""Alembic's entry: runs on the connection (and in the transaction) that the Store hands over."""

from alembic import context
from sqlmodel import SQLModel

from api.store import tables  # noqa: F401  (fills the metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
