/** Images made of servers: snapshots, backups, and what a shelved server leaves. */
import type { RequestContext } from '../../../oslo/context.ts'
import { isStatus } from '../../../oslo/keystoneauth/errors.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { fromHypervisor, isGone, isNova, nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { save } from '../server.ts'
import type { TaskState, Tasks } from '../states.ts'
import type { Job, Verb } from './method.ts'

/** One that cannot be deleted is left: it does no harm. */
export async function deleteImage({ glance, log }: Host, context: RequestContext, id: string): Promise<void> {
  try {
    await glance.as(context).remove(id)
  } catch (error) {
    log.warning(`Failed to delete the image ${id}`, { context, error })
  }
}

interface Stages {
  readonly pending: TaskState
  readonly uploading: TaskState
}

/**
 * Fills the image that the API has made: format and properties first, then the bytes of the disk. Passes through two task states and ends in the
 * second. An image that is gone throws an ImageNotFound.
 */
export async function fillImage(
  host: Host,
  { context, server }: Pick<Job, 'context' | 'server'>,
  id: string,
  stages: Stages,
): Promise<Server> {
  const { hypervisor, glance } = host
  const pending = await save(host, server, { taskState: stages.pending }, { expected: [server.taskState as TaskState, stages.pending] })
  const { diskFormat, containerFormat, bytes } = await hypervisor.snapshot(server.uuid)
  const uploading = await save(host, pending, { taskState: stages.uploading }, { expected: [stages.pending] })
  const client = glance.as(context)
  const image = await client.show(id)
  if (!image) throw nova('ImageNotFound', { image_id: id })
  if (image.status === 'active') return uploading
  // nova/virt/libvirt/driver.py LibvirtDriver._create_snapshot_metadata
  const properties = { image_location: 'snapshot', image_state: 'available', owner_id: server.projectId }
  await client.patch(id, [
    { op: 'replace', path: '/disk_format', value: diskFormat },
    { op: 'replace', path: '/container_format', value: containerFormat },
    ...Object.entries(properties).map(([name, value]) => ({ op: 'add', path: `/${name}`, value })),
  ])
  try {
    await client.upload(id, bytes)
  } catch (error) {
    if (isStatus(error, 404, 410)) throw nova('ImageNotFound', { image_id: id })
    throw error
  }
  return uploading
}

const stages = { pending: 'image_pending_upload', uploading: 'image_uploading' } as const
const underWay: Tasks = ['image_pending_upload', 'image_uploading']

/** nova/compute/manager.py ComputeManager.snapshot_instance: when it fails, the image goes as well */
export const snapshot: Verb = {
  during: ['image_snapshot_pending', 'image_snapshot', ...underWay],
  async run(host, job) {
    const expected: Tasks = job.again ? ['image_snapshot_pending', 'image_snapshot', ...underWay] : ['image_snapshot_pending']
    const server = await save(
      host,
      job.server,
      { taskState: 'image_snapshot', powerState: host.hypervisor.powerOf(job.server.uuid) },
      { expected },
    )
    await takeSnapshot(host, { ...job, server })
  },
}

export const backup: Verb = {
  during: ['image_backup', ...underWay],
  async run(host, job) {
    await takeSnapshot(host, job)
    await rotate(host, job)
  },
}

/** Who deletes the image or the server meanwhile wants no snapshot: that is no failure. nova/compute/manager.py ComputeManager._snapshot_instance */
async function takeSnapshot(host: Host, job: Job): Promise<void> {
  const id = job.args.image_id as string
  const { uuid } = job.server
  try {
    const server = await fillImage(host, job, id, stages)
    await save(host, server, { taskState: null }, { expected: ['image_uploading'] })
  } catch (cause) {
    const error = fromHypervisor(cause, uuid)
    if (isNova(error, 'ImageNotFound')) {
      await host.cell.servers.update(uuid, { taskState: null }, { taskState: [job.server.taskState, ...underWay] })
      return
    }
    await deleteImage(host, job.context, id)
    if (!isGone(error)) throw error
  }
}

/** Keeps the newest backups of one kind. nova/compute/manager.py ComputeManager._rotate_backups */
async function rotate(host: Host, { context, server, args }: Job): Promise<void> {
  const images = await host.glance.as(context).list({
    image_type: 'backup',
    backup_type: args.backup_type as string,
    instance_uuid: server.uuid,
    sort_key: 'created_at',
    sort_dir: 'desc',
  })
  for (const image of images.slice(args.rotation as number)) await deleteImage(host, context, image.id)
}
