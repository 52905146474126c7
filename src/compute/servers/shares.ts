/** Manila shares of servers: noted here, allowed and mounted by the compute. */
import type { RequestContext } from '../../oslo/context.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import type { Share } from '../../peers/manila.ts'
import type { ShareRow } from '../../stores/cell/attachments.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { detailsOf, extraSpecsOf } from './details.ts'
import { findServer } from './find.ts'
import { inCell, inCellOr } from './in-cell.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { shareOf } from './to-wire.ts'

export type AttachedShare = Pick<ShareRow, 'uuid' | 'shareId' | 'status' | 'tag' | 'exportLocation'>

export async function sharesOf(backends: Backends, context: RequestContext, uuid: string): Promise<readonly AttachedShare[]> {
  const server = await findServer(backends, context, uuid)
  return inCellOr(backends, server, [], (cell) => cell.shareMappings.of(uuid))
}

/** Throws `shareNotFound`. */
export async function findShare(backends: Backends, context: RequestContext, uuid: string, shareId: string): Promise<AttachedShare> {
  return attached(backends, await findServer(backends, context, uuid), shareId)
}

async function attached(backends: Backends, server: Server, shareId: string): Promise<ShareRow> {
  const found = await inCellOr(backends, server, undefined, (cell) => cell.shareMappings.find(server.uuid, shareId))
  if (!found) throw new Fault('shareNotFound', shareId)
  return found
}

/** `tag`: how the guest finds it; the id of the share when undefined. */
export async function attachShare(
  backends: Backends,
  context: RequestContext,
  uuid: string,
  shareId: string,
  tag: string | undefined,
): Promise<AttachedShare> {
  const server = await findServer(backends, context, uuid)
  checkState(server, 'createShare')
  await requireSupport(backends, server)
  const share = await usableShare(backends, context, shareId)
  const row = await note(backends, server, share, tag ?? share.id)
  const details = detailsOf(backends, server)
  const send = toCompute(backends, context, details, 'allow_share', { share_mapping: shareOf(row) })
  await startTask(backends, context, details, { action: 'attach_share', send })
  return row
}

export async function detachShare(backends: Backends, context: RequestContext, uuid: string, shareId: string): Promise<void> {
  const server = await findServer(backends, context, uuid)
  checkState(server, 'deleteShare')
  const row = await attached(backends, server, shareId)
  await inCell(backends, server, (cell) => cell.shareMappings.setStatus(row.id, 'detaching'))
  const details = detailsOf(backends, server)
  const send = toCompute(backends, context, details, 'deny_share', { share_mapping: shareOf({ ...row, status: 'detaching' }) })
  await startTask(backends, context, details, { action: 'detach_share', send })
}

/** The version of computes since which they know shares. nova/compute/api.py SUPPORT_SHARES */
const firstVersion = 67

/** nova/virt/hardware.py check_shares_supported */
async function requireSupport(backends: Backends, server: Server): Promise<void> {
  const { oldest, node } = await inCell(backends, server, async (cell) => ({
    oldest: await cell.services.minimumVersion('nova-compute'),
    node: server.host ? (await cell.computeNodes.ofHost(server.host))[0] : undefined,
  }))
  if ((oldest ?? 0) < firstVersion) throw new Fault('sharesTooEarly')
  if (!node?.uuid) throw new Fault('computeHostNotFound', server.host)
  const traits = await backends.peers.placement.traits(node.uuid)
  const backed = traits.includes('COMPUTE_MEM_BACKING_FILE') || 'hw:mem_page_size' in extraSpecsOf(server)
  if (!traits.includes('COMPUTE_STORAGE_VIRTIO_FS') || !backed) throw new Fault('sharesNotConfigured')
}

/** What computes can mount. */
const protocols = ['NFS', 'CEPHFS']

async function usableShare({ peers }: Backends, context: RequestContext, id: string): Promise<Share & { exportLocation: string }> {
  const share = await peers.manila.share(context, id).catch((error: unknown) => {
    throw error instanceof PeerError && error.status === 403 ? new Fault('forbidden', error.message) : error
  })
  if (!share) throw new Fault('shareNotFound', id)
  const { status, share_proto: protocol, exportLocation } = share
  if (status !== 'available') throw new Fault('shareUnavailable', id, status)
  if (exportLocation === undefined) throw new Fault('shareWithoutLocation', id)
  if (!protocols.includes(protocol)) throw new Fault('shareProtocolUnsupported', protocol)
  return { ...share, exportLocation }
}

async function note(backends: Backends, server: Server, share: Share & { exportLocation: string }, tag: string): Promise<ShareRow> {
  const { uuid } = server
  const values = {
    uuid: backends.ids.uuid(),
    instanceUuid: uuid,
    shareId: share.id,
    status: 'attaching',
    tag,
    exportLocation: share.exportLocation,
    shareProto: share.share_proto,
  }
  return inCell(backends, server, async (cell) => {
    await cell.shareMappings.create(values).catch((error: unknown) => {
      throw error instanceof DuplicateKey ? new Fault('shareExists', share.id, tag) : error
    })
    return (await cell.shareMappings.find(uuid, share.id))!
  })
}
