/** Snapshots of volumes that Cinder cannot take by itself while a server uses them: the server's host takes part. */
import type { RequestContext } from '../oslo/context.ts'
import { answered } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { castToCompute } from './rpc/compute.ts'
import { type Details, detailsOf } from './servers/details.ts'
import { instanceOf } from './servers/to-wire.ts'

/** What Cinder says of the snapshot to be taken. */
export interface CreateInfo {
  readonly snapshot_id: string
  readonly type: 'qcow2'
  readonly new_file: string
  readonly id?: string
}

/** Throws `volumeNotAttached`, `volumeAttachedOften`, `serverNotReady` or `badRequest` for a server that is busy. */
export async function createSnapshot(backends: Backends, context: RequestContext, volumeId: string, createInfo: CreateInfo): Promise<void> {
  const details = await userOf(backends, volumeId)
  checkIdle(details, 'do_volume_snapshot_create')
  const instance = await instanceOf(details, [])
  await castToCompute(backends, context, details.server, 'volume_snapshot_create', instance, {
    volume_id: volumeId,
    create_info: createInfo,
  })
}

/** `deleteInfo` may say into which file the snapshot is merged, which a server can do only while it runs. */
export async function deleteSnapshot(
  backends: Backends,
  context: RequestContext,
  volumeId: string,
  snapshotId: string,
  deleteInfo: Readonly<Record<string, unknown>>,
): Promise<void> {
  const details = await userOf(backends, volumeId)
  const { server } = details
  checkIdle(details, 'do_volume_snapshot_delete')
  if (deleteInfo.merge_target_file != null && server.vmState !== 'active')
    throw busy(details, 'volume_snapshot_delete', 'vm_state', server.vmState)
  const args = { volume_id: volumeId, snapshot_id: snapshotId, delete_info: deleteInfo }
  await castToCompute(backends, context, server, 'volume_snapshot_delete', await instanceOf(details, []), args)
}

/** The one server that uses a volume, in whichever cell. nova/compute/api.py API._get_bdm_by_volume_id */
async function userOf(backends: Backends, volumeId: string): Promise<Details> {
  const answers = await backends.stores.cells.gather((cell) => cell.blockDevices.ofVolume(volumeId))
  const found = answers.filter(answered).find(({ value }) => value.length > 0)
  if (!found) throw new Fault('volumeNotAttached', volumeId)
  if (found.value.length > 1) throw new Fault('volumeAttachedOften', volumeId)
  const server = await found.cell.servers.find(found.value[0]!.instanceUuid!)
  if (!server) throw new Fault('volumeNotAttached', volumeId)
  return detailsOf(backends, server)
}

/** In any state, so long as nothing is being done to it and it is on a host. */
function checkIdle(details: Details, verb: string): void {
  const { uuid, host, taskState, launchedAt } = details.server
  if (!host) throw new Fault('serverNotReady', uuid)
  if (taskState !== null) throw busy(details, verb, 'task_state', taskState)
  if (!launchedAt) throw busy(details, verb, 'launched_at', null)
}

const busy = ({ server }: Details, verb: string, attribute: string, state: string | null): Fault =>
  new Fault('badRequest', `Instance ${server.uuid} in ${attribute} ${state ?? 'None'}. Cannot ${verb} while the instance is in this state.`)
