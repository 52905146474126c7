/** Where a move goes. */
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Host } from '../parts.ts'

/** The migration comes to this host. nova/compute/resource_tracker.py ResourceTracker._claim_existing_migration */
export const claimMigration = ({ cell, hypervisor, name, nodeId }: Host, { id }: Migration): Promise<unknown> =>
  cell.migrations.update(id, {
    destCompute: name,
    destNode: name,
    destComputeId: nodeId,
    destHost: hypervisor.resources().address,
    status: 'pre-migrating',
  })
