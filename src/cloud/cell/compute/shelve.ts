/** Shelving: a server leaves its host and keeps its image, its ports and its name, until it is wanted again. nova/compute/manager.py _shelve_instance */
import { networkInfo } from '../network/info.ts'
import { bindTo } from '../network/moves.ts'
import { letGo } from '../network/release.ts'
import { type Host, stage } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { guestOf, nowhere, save, timeNow } from '../server.ts'
import type { Tasks } from '../states.ts'
import { connectVolumes } from '../volume/connect.ts'
import { disconnectVolumes } from '../volume/leave.ts'
import { refuseGroupViolation } from './groups.ts'
import { deleteImage, fillImage } from './images.ts'
import type { Job, Verb } from './method.ts'
import { withoutShelving } from './power.ts'

const stages = { pending: 'shelving_image_pending_upload', uploading: 'shelving_image_uploading' } as const
const shelving: Tasks = ['shelving', stages.pending, stages.uploading]

export const shelve: Verb = {
  during: [...shelving, 'shelving_offloading'],
  async run(host, job) {
    if (job.server.taskState === 'shelving_offloading') return leaveHost(host, job)
    const { hypervisor, settings, clock } = host
    const id = job.args.image_id as string
    await hypervisor.powerOff(job.server.uuid)
    const filled = await fillImage(host, job, id, stages)
    const offloads = settings.shelvedOffloadSeconds === 0
    const server = await save(
      host,
      filled,
      { vmState: 'shelved', taskState: offloads ? 'shelving_offloading' : null, powerState: hypervisor.powerOf(filled.uuid) },
      {
        expected: [stages.uploading],
        systemMetadata: { shelved_at: timeNow(clock).replace(' ', 'T'), shelved_image_id: id, shelved_host: host.name },
      },
    )
    if (offloads) await leaveHost(host, { ...job, server })
  },
}

export const offload: Verb = {
  during: ['shelving', 'shelving_offloading'],
  run: (host, job) => leaveHost(host, job),
}

/** Off the host; ports stay the server's and are bound nowhere. nova/compute/manager.py ComputeManager._shelve_offload_instance */
async function leaveHost(host: Host, { context, server }: Pick<Job, 'context' | 'server'>): Promise<void> {
  const { hypervisor } = host
  const { uuid } = server
  if (hypervisor.guests().includes(uuid)) await hypervisor.powerOff(uuid)
  const powerState = hypervisor.powerOf(uuid)
  const interfaces = await networkInfo(host, server)
  const ports = interfaces.map(({ id }) => id!)
  await letGo(host, uuid, ports, { keepDevice: true })
  await hypervisor.destroy(uuid)
  await disconnectVolumes(host, context, uuid)
  const state = { powerState, vmState: 'shelved_offloaded', taskState: null } as const
  await save(host, server, { ...state, ...nowhere }, { expected: ['shelving', 'shelving_offloading'] })
  host.usage.touch(host.name)
}

/** nova/compute/manager.py ComputeManager._unshelve_instance */
export const unshelve: Verb = {
  during: ['unshelving', 'spawning'],
  leftovers: (host, { context, args }) => dropImage(host, context, args),
  async run(host, job) {
    const { server } = job
    const isMine = server.host === host.name && job.again
    if (server.vmState !== 'shelved_offloaded' || (server.host !== null && !isMine)) return
    try {
      await comeBack(host, job)
    } catch (error) {
      await host.hypervisor.destroy(server.uuid)
      await disconnectVolumes(host, job.context, server.uuid)
      await host.cell.servers.update(server.uuid, nowhere, { taskState: ['unshelving', 'spawning'] })
      throw error
    } finally {
      host.scheduler.settled(server.uuid)
      host.usage.touch(host.name)
    }
  },
}

async function comeBack(host: Host, { context, server: before, args }: Job): Promise<void> {
  const { hypervisor, clock } = host
  const { uuid } = before
  await refuseGroupViolation(host, uuid)
  const availabilityZone = await zoneOf(host, host.name)
  const place = { host: host.name, node: host.name, computeId: host.nodeId, launchedOn: host.name, availabilityZone }
  const server = await save(host, before, { ...place, taskState: 'spawning' }, { expected: ['unshelving', 'spawning'] })
  await stage(host)
  await bindTo(host, server, host.name)
  const interfaces = await networkInfo(host, server)
  await connectVolumes(host, { context, server })
  await hypervisor.spawn(guestOf(server, interfaces), { running: true })
  const state = { powerState: hypervisor.powerOf(uuid), vmState: 'active', taskState: null, launchedAt: timeNow(clock) } as const
  await save(host, server, state, { expected: ['spawning'], systemMetadata: withoutShelving })
  await dropImage(host, context, args)
}

/** What it was shelved into has served its purpose. */
async function dropImage(host: Host, context: Job['context'], args: Job['args']): Promise<void> {
  const image = (args.image as { id?: string } | null)?.id
  if (image) await deleteImage(host, context, image)
}
