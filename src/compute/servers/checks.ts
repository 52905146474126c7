/**
 * What may stand in the way of a verb beside the server's states. Computes that this release works with are of version 68 or newer, so Nova's checks for
 * older ones can never fail and are left out.
 */
import type { RequestContext } from '../../oslo/context.ts'
import { flexibleBoolean } from '../../oslo/objects/fields.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { isUp } from '../hosts.ts'
import { type Details, extraSpecsOf } from './details.ts'
import { inCell } from './in-cell.ts'

type Lockable = Pick<Server, 'locked' | 'uuid'>

/** A lock binds everybody but admins. */
const isBound = ({ isAdmin }: RequestContext, { locked }: Lockable): boolean => Boolean(locked) && !isAdmin

export function refuseLocked(context: RequestContext, server: Lockable): void {
  if (isBound(context, server)) throw new Fault('serverLocked', server.uuid)
}

/** As an unfit state, which tells nothing of the lock. `word` is the verb's. */
export function refuseLockAsState(context: RequestContext, server: Lockable, word: string): void {
  if (isBound(context, server)) throw new Fault('unfitState', server.uuid, word)
}

export function requireHost({ host, uuid }: Pick<Server, 'host' | 'uuid'>): void {
  if (!host) throw new Fault('serverNotReady', uuid)
}

/** The host's name is not told to users. */
export async function requireHostUp(backends: Backends, details: Details): Promise<void> {
  requireHost(details.server)
  const [service] = await details.get('services')
  if (!service || !isServing(backends, service)) throw new Fault('computeDown')
}

/** Up, and not declared down by an admin (nova/servicegroup/drivers/db.py is_up). */
export const isServing = (backends: Pick<Backends, 'settings' | 'clock'>, service: Parameters<typeof isUp>[1]): boolean =>
  !service.forcedDown && isUp(backends, service)

/** `kind`: most verbs answer it as a conflict, rebuild as something unsupported. */
export async function refuseShares(backends: Backends, { server }: Details, kind: FaultKind = 'conflict'): Promise<void> {
  if (server.cellId === null) return
  if (await inCell(backends, server, (cell) => cell.shareMappings.any(server.uuid)))
    throw new Fault(kind, 'Feature not supported with instances that have shares.')
}

const acceleratorPorts = new Set(['accelerator-direct', 'accelerator-direct-physical'])
export const portAcceleratorText = 'Feature not supported with Ports that have accelerators.'
export const isAcceleratorPort = (vnicType: unknown): boolean => acceleratorPorts.has(String(vnicType))

export function refusePortAccelerators({ networkInfo }: Server): void {
  if (networkInfo?.some((vif) => isAcceleratorPort(vif.vnic_type))) throw new Fault('unsupported', portAcceleratorText)
}

export const acceleratorText = 'Feature not supported with instances that have accelerators.'
export const acceleratorProfile = (specs: Readonly<Record<string, string>>): string | undefined => specs['accel:device_profile']

export function refuseAccelerators(server: Server): void {
  if (acceleratorProfile(extraSpecsOf(server))) throw new Fault('unsupported', acceleratorText)
}

/** The value that the flavor asks for or, where it does not, the image. */
async function wanted(details: Details, key: string): Promise<string | null | undefined> {
  const image = await details.get('systemMetadata')
  return extraSpecsOf(details.server)[`hw:${key}`] ?? image[`image_hw_${key}`]
}

export async function refuseVtpm(details: Details, operation: string): Promise<void> {
  if (await wanted(details, 'tpm_version'))
    throw new Fault('unsupported', `Operation '${operation}' not supported for vTPM-enabled instance (${details.server.uuid}).`)
}

export async function refuseSev(details: Details, operation: string): Promise<void> {
  const encrypted = await wanted(details, 'mem_encryption')
  if (encrypted && flexibleBoolean.read(encrypted, 'mem_encryption'))
    throw new Fault('unsupported', `Operation '${operation}' not supported for SEV-enabled instance (${details.server.uuid}).`)
}

/** The version of computes since which secrets of a vTPM may move. nova/compute/api.py MIN_COMPUTE_VTPM_LIVE_MIGRATION */
const vtpmMoves = 72

/** nova/compute/api.py reject_legacy_vtpm_live_migration */
export async function refuseVtpmMove(backends: Backends, details: Details): Promise<void> {
  if (!(await wanted(details, 'tpm_version'))) return
  const { server } = details
  if ((extraSpecsOf(server)['hw:tpm_secret_security'] ?? 'user') !== 'host') await refuseVtpm(details, 'live-migration')
  const oldest = await inCell(backends, server, (cell) => cell.services.minimumVersion('nova-compute'))
  if ((oldest ?? 0) < vtpmMoves)
    throw new Fault(
      'badRequest',
      'vTPM live migration is not supported by old nova-compute services. Upgrade your nova-compute services to Gazpacho (33.0.0) or later.',
    )
}
