/** Fields that many objects have. */
import { boolean, datetime } from '../../oslo/objects/fields.ts'

/** Of rows that know when they were made and changed. */
export const timestamps = { created_at: datetime.orNull(), updated_at: datetime.orNull() }

/** Of rows that are marked when they are deleted, not removed. */
export const persistent = { ...timestamps, deleted_at: datetime.orNull(), deleted: boolean.initially(false) }
