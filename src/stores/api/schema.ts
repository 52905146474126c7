/** The tables of the API database (`nova_api`), as `nova-manage api_db sync` of Nova 33 leaves them. */
import type { Schema, TablesOf } from '../../oslo/database/schema.ts'
import { alembicVersion } from '../columns.ts'
import { aggregatesTables } from './schema/aggregates.ts'
import { flavorsTables } from './schema/flavors.ts'
import { groupsTables } from './schema/groups.ts'
import { keyPairsTables } from './schema/key-pairs.ts'
import { mappingsTables } from './schema/mappings.ts'
import { placementTables } from './schema/placement.ts'
import { quotasTables } from './schema/quotas.ts'
import { requestsTables } from './schema/requests.ts'

export const apiSchema = {
  ...flavorsTables,
  ...aggregatesTables,
  ...mappingsTables,
  ...requestsTables,
  ...groupsTables,
  ...keyPairsTables,
  ...quotasTables,
  ...placementTables,
  alembic_version: alembicVersion,
} satisfies Schema

export type ApiTables = TablesOf<typeof apiSchema>
