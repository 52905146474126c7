/** Columns that most of Nova's tables start with, and the table in which alembic keeps its revision. */
import { datetime, string, table } from '../oslo/database/schema.ts'

/** Written by the stores: `created_at` on insert, `updated_at` on every update (oslo_db.sqlalchemy.models TimestampMixin). */
export const timestamps = { created_at: datetime(), updated_at: datetime() }

/** `deleted` is 0, or the row's id once it is deleted; `deleted_at` says when (oslo_db.sqlalchemy.models SoftDeleteMixin). */
export const softDeleted = { ...timestamps, deleted_at: datetime() }

/** One row: the revision that the schema has. */
export const alembicVersion = table(
  { version_num: string(32).required() },
  { primaryKey: ['version_num'], primaryKeyName: 'alembic_version_pkc' },
)
