/** nova-conductor: the tasks that the API hands over, by Nova's names. */
import type { Endpoint, Method } from '../../../oslo/messaging/rpc-server.ts'
import type { WireObject } from '../../../oslo/objects/object.ts'
import type { CellParts } from '../parts.ts'
import { isUp } from '../services.ts'
import { compute } from '../targets.ts'
import { attachVolume } from './attach-volume.ts'
import { orderedUuids, rebuildElsewhere, rescheduledUuids, scheduleAndBuild } from './build.ts'
import { liveMigrateInstance } from './live-migrate.ts'
import { migrateServer } from './migrate.ts'
import { rebuildInstance } from './rebuild.ts'
import { serversTask, serverTask } from './task.ts'
import { unshelveInstance } from './unshelve.ts'

/** nova/conductor/manager.py ComputeTaskManager.migrate_server: errors that callers expect */
const refusals = [
  'NoValidHost',
  'ComputeServiceUnavailable',
  'ComputeHostNotFound',
  'UnableToMigrateToSelf',
  'InstanceInvalidState',
  'MigrationPreCheckError',
]

export const conductorEndpoints = (parts: CellParts): Endpoint[] => [
  {
    namespace: 'compute_task',
    version: '1.26',
    methods: {
      schedule_and_build_instances: serversTask(parts, orderedUuids, scheduleAndBuild),
      build_instances: serversTask(parts, rescheduledUuids, rebuildElsewhere),
      migrate_server: serverTask(parts, migrateServer),
      live_migrate_instance: serverTask(parts, liveMigrateInstance),
      rebuild_instance: serverTask(parts, rebuildInstance),
      unshelve_instance: serverTask(parts, unshelveInstance),
      attach_volume: serverTask(parts, attachVolume),
      cache_images: cacheImages(parts),
    },
    expected: { migrate_server: refusals, live_migrate_instance: refusals },
  },
  // nothing of ours asks the conductor for its database
  { version: '3.0', methods: {} },
]

/** Asks the hosts of an aggregate that are up. nova/conductor/manager.py ComputeTaskManager.cache_images */
const cacheImages =
  (parts: CellParts): Method =>
  async (context, { aggregate, image_ids }) => {
    const { hosts } = (aggregate as WireObject)['nova_object.data'] as { hosts: string[] }
    for (const { cell, rpc, hosts: own, clock, settings } of parts.cells.values())
      for (const host of hosts.filter((name) => own.has(name)))
        if (isUp(await cell.services.find(host, 'nova-compute'), clock, settings.serviceDownSeconds))
          await rpc.call(compute(host), context, 'cache_images', { image_ids })
  }
