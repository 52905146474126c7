/** Brings a shelved server back: on its host if it is still there, or on one that is found for it. nova/conductor/manager.py ComputeTaskManager.unshelve_instance */
import type { Server } from '../../../stores/cell/servers.ts'
import { RequestSpec } from '../../../stores/objects/request-spec.ts'
import type { Selection } from '../../../stores/objects/selection.ts'
import { isNova, nova } from '../errors.ts'
import { addFault, recorded } from '../events.ts'
import type { CellParts } from '../parts.ts'
import { loadServer, save, systemMetadataOf } from '../server.ts'
import { compute } from '../targets.ts'
import { instanceToWire, requestSpecOf } from '../wire.ts'
import type { TaskJob } from './task.ts'

export async function unshelveInstance(parts: CellParts, uuid: string, job: TaskJob): Promise<void> {
  const server = await loadServer(parts.cell, uuid)
  if (server.taskState !== 'unshelving') return
  if (server.vmState === 'shelved') return start(parts, server, job)
  if (server.vmState !== 'shelved_offloaded') {
    await save(parts, server, { vmState: 'error' })
    return
  }
  await find(parts, server, job)
}

async function start(parts: CellParts, server: Server, { context }: TaskJob): Promise<void> {
  const starting = await save(parts, server, { taskState: 'powering-on' }, { expected: ['unshelving'] })
  await parts.rpc.cast(compute(server.host!), context, 'start_instance', { instance: instanceToWire(starting) })
}

async function find(parts: CellParts, server: Server, job: TaskJob): Promise<void> {
  const { cell, settings, rpc, scheduler } = parts
  const { context, again } = job
  const step = (event: string) => ({ uuid: server.uuid, event, host: settings.controller, context, again })
  const { shelved_image_id: imageId } = await systemMetadataOf(cell, server.uuid)
  const image = imageId ? await recorded(cell, step('get_image_info'), () => imageOf(parts, server, job, imageId)) : null
  const spec: RequestSpec = { ...requestSpecOf(job.args.request_spec), force_hosts: null, force_nodes: null }
  try {
    await recorded(cell, step('schedule_instances'), async () => {
      const [[chosen]] = (await scheduler.select(spec, [server.uuid], { within: cell.uuid })) as [[Selection]]
      await rpc.cast(compute(chosen.service_host!), context, 'unshelve_instance', {
        instance: instanceToWire(server),
        image,
        filter_properties: { limits: {} },
        node: chosen.nodename,
        request_spec: RequestSpec.toWire(spec),
        accel_uuids: [],
      })
    })
  } catch (error) {
    await cell.servers.update(server.uuid, { taskState: null }, { taskState: ['unshelving'] })
    if (!isNova(error, 'NoValidHost')) throw error
  }
}

async function imageOf(parts: CellParts, server: Server, { context }: TaskJob, id: string): Promise<unknown> {
  const image = await parts.glance.as(context).show(id)
  if (image) return image
  const reason = `Unshelve attempted but the image ${id} cannot be found.`
  await save(parts, server, { vmState: 'error', taskState: null })
  await addFault(parts.cell, server.uuid, parts.settings.controller, nova('ImageNotFound', { image_id: id }), reason)
  throw nova('UnshelveException', { instance_id: server.uuid, reason })
}
