/** The tables of a cell's database (`nova`, `nova_cell0`), as `nova-manage db sync` of Nova 33 leaves them. */
import { choice, integer, type Schema, shadow, shadows, string, type TablesOf } from '../../oslo/database/schema.ts'
import { alembicVersion } from '../columns.ts'
import { actionsTables } from './schema/actions.ts'
import { computesTables } from './schema/computes.ts'
import { ec2Tables } from './schema/ec2.ts'
import { instancesTables } from './schema/instances.ts'
import { quotasTables } from './schema/quotas.ts'
import { retiredTables } from './schema/retired.ts'
import { retiredNetworksTables } from './schema/retired-networks.ts'
import { securityGroupsTables } from './schema/security-groups.ts'
import { volumesTables } from './schema/volumes.ts'

const tables = {
  ...instancesTables,
  ...actionsTables,
  ...computesTables,
  ...volumesTables,
  ...securityGroupsTables,
  ...quotasTables,
  ...ec2Tables,
  ...retiredNetworksTables,
  ...retiredTables,
  alembic_version: alembicVersion,
} satisfies Schema

// Not archived: nothing in them is ever soft-deleted.
const {
  tags,
  console_auth_tokens,
  share_mapping,
  resource_providers,
  resource_provider_aggregates,
  inventories,
  allocations,
  ...archived
} = tables

export const cellSchema = {
  ...tables,
  ...shadows(archived),
  // Where a migration forgot the shadow table (nova/db/main/migrations/versions/8f2f1571d55b).
  shadow_instances: shadow(tables.instances, { locked_by: choice('shadow_instances0locked_by', ['owner', 'admin']) }),
  shadow_key_pairs: shadow(tables.key_pairs, { name: string(255) }),
  shadow_pci_devices: shadow(tables.pci_devices, {
    deleted: integer().required().initially(0),
    product_id: string(4),
    vendor_id: string(4),
    dev_type: string(8),
  }),
} satisfies Schema

export type CellTables = TablesOf<typeof cellSchema>
