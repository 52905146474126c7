/** Bringing shelved servers back, perhaps into another zone or onto a certain host. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { Destination, RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { refuseLocked } from './checks.ts'
import { type Details, detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { checkUnshelve } from './quota.ts'
import { findRequestSpec, withRequestSpec } from './request-spec.ts'
import { checkState } from './states.ts'
import { startTask, toConductor } from './task.ts'
import { findVolume } from './volumes.ts'
import { zoneOf, zonesWithHosts } from './zones.ts'

export interface Unshelving {
  /** Where to; null unpins the server, absent leaves it where it is pinned. */
  readonly zone?: string | null
  readonly host?: string | undefined
  /** Asked before a host is looked at: not everybody may choose one. */
  readonly authorizeHost: () => void
}

export async function unshelve(
  backends: Backends,
  context: RequestContext,
  server: Server,
  { zone, host, authorizeHost }: Unshelving,
): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'unshelve')
  const details = detailsOf(backends, server)
  const spec = await findRequestSpec(backends, server.uuid)
  const offloaded = server.vmState === 'shelved_offloaded'
  if (offloaded) await checkUnshelve(backends, context, details)
  if ((zone !== undefined || host) && !offloaded) throw notOffloaded(server)
  if (zone) await checkZone(backends, context, details, zone)
  const pinned = zone === undefined ? (spec.availability_zone ?? null) : zone
  if (host) {
    authorizeHost()
    await checkHost(backends, server, host, pinned)
  }
  const wanted = RequestSpec.change(spec, {
    availability_zone: pinned,
    ...(host && { requested_destination: Destination.withDefaults(Destination.make({ host })) }),
  })
  await withRequestSpec(backends, spec, wanted, (saved) =>
    startTask(backends, context, details, {
      verb: 'unshelve',
      action: 'unshelve',
      changes: { taskState: 'unshelving' },
      send: toConductor(backends, context, 'unshelve_instance', { request_spec: saved }),
    }),
  )
}

const notOffloaded = ({ uuid, vmState }: Server): Fault =>
  new Fault(
    'conflict',
    `Specifying an availability zone or a host when unshelving server "${uuid}" with status "${vmState}" is not supported. The server status must be SHELVED_OFFLOADED.`,
  )

/** Its volumes must be there too where zones are walls. nova/compute/api.py API._validate_unshelve_az */
async function checkZone(backends: Backends, context: RequestContext, details: Details, zone: string): Promise<void> {
  if (!(await zonesWithHosts(backends)).has(zone)) throw new Fault('badRequest', 'The requested availability zone is not available')
  if (backends.settings.cinder.crossAzAttach) return
  for (const { destinationType, volumeId } of await details.get('blockDevices')) {
    if (destinationType !== 'volume' || !volumeId) continue
    const volume = await findVolume(backends, context, volumeId)
    if (volume.availability_zone === zone) continue
    const reason = `The specified availability zone does not match the volume ${volume.id} attached to the server. Specified availability zone is ${zone}. Volume is in ${volume.availability_zone}.`
    throw new Fault('conflict', `The availability zone between the server and its attached volumes do not match: ${reason}.`)
  }
}

async function checkHost(backends: Backends, server: Server, host: string, zone: string | null): Promise<void> {
  const nodes = await inCell(backends, server, (cell) => cell.computeNodes.ofHost(host))
  if (nodes.length === 0) throw new Fault('computeHostNotFound', host)
  if (zone !== null && (await zoneOf(backends, host)) !== zone)
    throw new Fault('conflict', `Host "${host}" is not in the availability zone "${zone}".`)
}
