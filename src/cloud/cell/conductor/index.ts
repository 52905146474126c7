/** nova-conductor: the tasks that the API hands over, by Nova's names. */
import type { Endpoint, Method } from '../../../oslo/messaging/rpc-server.ts'
import type { WireObject } from '../../../oslo/objects/object.ts'
import { perform, uuidOf } from '../compute/method.ts'
import { attachVolume, reserveDevice } from '../compute/volumes.ts'
import { nova } from '../errors.ts'
import type { CellParts } from '../parts.ts'
import { isUp } from '../services.ts'
import { compute } from '../targets.ts'
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
      attach_volume: attach(parts),
      cache_images: cacheImages(parts),
    },
    expected: { migrate_server: refusals, live_migrate_instance: refusals },
  },
  // nothing of ours asks the conductor for its database
  { version: '3.0', methods: {} },
]

/** Reserves a name for the volume and attaches it; resolves with the name. */
const attach =
  (parts: CellParts): Method =>
  async (context, args, { redelivered: again }) => {
    const uuid = uuidOf(args.instance)
    const server = await parts.cell.servers.find(uuid)
    const host = server?.host ? parts.hosts.get(server.host) : undefined
    if (!host) throw nova('InstanceNotFound', { instance_id: uuid })
    const volume = args.volume as { id: string }
    return parts.work.on([uuid], () =>
      parts.work.inTurn(uuid, async () => {
        const order = { uuid, context, again }
        const device = (await perform(host, 'reserve_block_device_name', reserveDevice, {
          ...order,
          args: { ...args, volume_id: volume.id },
        })) as WireObject
        await perform(host, 'attach_volume', attachVolume, { ...order, args: { bdm: device } })
        return device['nova_object.data'].device_name
      }),
    )
  }

/** Asks the hosts of an aggregate that are up. nova/conductor/manager.py ComputeTaskManager.cache_images */
const cacheImages =
  (parts: CellParts): Method =>
  async (context, { aggregate, image_ids }) => {
    const { hosts } = (aggregate as WireObject)['nova_object.data'] as { hosts: string[] }
    for (const host of hosts) {
      const service = await parts.cell.services.find(host, 'nova-compute')
      if (isUp(service, parts.clock, parts.settings.serviceDownSeconds))
        await parts.rpc.call(compute(host), context, 'cache_images', { image_ids })
    }
  }
