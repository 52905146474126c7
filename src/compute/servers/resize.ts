/** Giving servers another flavor, which moves them, and moving them with the flavor that they have. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Flavor as StoredFlavor } from '../../stores/api/flavors.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { ComputeNode } from '../../stores/cell/services.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { InstancePCIRequests } from '../../stores/objects/pci.ts'
import { Destination, RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { findFlavor } from '../flavors.ts'
import { pciRequests } from '../hardware/pci.ts'
import {
  acceleratorProfile,
  acceleratorText,
  refuseAccelerators,
  refuseLocked,
  refusePortAccelerators,
  refuseShares,
  requireHostUp,
} from './checks.ts'
import { checkGuest, checkImage } from './create/image-checks.ts'
import { flavorObject } from './create/objects.ts'
import { type Details, detailsOf, isVolumeBacked } from './details.ts'
import { imageOf, sizeOfFlavor, topologyWith } from './guest.ts'
import { inCell } from './in-cell.ts'
import { firstNode } from './live-migrate.ts'
import { portsAskForResources } from './port-resources.ts'
import { checkUpsize, enforceFlavor, sizeOf } from './quota.ts'
import { findRequestSpec } from './request-spec.ts'
import { rememberImage } from './shelve.ts'
import { checkState } from './states.ts'
import { startTask, toConductor } from './task.ts'
import { type Field, usual } from './to-wire.ts'

export interface Resize {
  readonly flavorid: string
  /** Null when nothing was said. */
  readonly autoDiskConfig: boolean | null
  /** Whether the caller may have root disks whose size nobody limits. */
  readonly zeroDiskFlavor: boolean
  /** Whether the caller may have servers moved into another cell. */
  readonly crossCells: boolean
}

export async function resize(backends: Backends, context: RequestContext, server: Server, asked: Resize): Promise<void> {
  const details = await movable(backends, context, server, 'resize')
  const crossCells = asked.crossCells && !(await portsAskForResources(backends, server))
  await refuseDiskConfig(details, asked.autoDiskConfig)
  const flavor = await otherFlavor(backends, context, details, asked.flavorid)
  const onVolume = await isVolumeBacked(details)
  const size = { vcpus: flavor.vcpus, memoryMb: flavor.memoryMb }
  await enforceFlavor(backends, server, flavor, onVolume)
  await checkUpsize(backends, server, sizeOf(server.flavor!.cur), size)
  await checkFlavor(backends, details, flavor, { onVolume, zeroDiskFlavor: asked.zeroDiskFlavor })
  const stored = await findRequestSpec(backends, server.uuid)
  const ignored = backends.settings.compute.allowResizeToSameHost ? [] : [server.host!]
  const spec = RequestSpec.change(stored, {
    ignore_hosts: ignored,
    numa_topology: await topologyWith(details, flavor),
    pci_requests: InstancePCIRequests.make({
      instance_uuid: server.uuid,
      // Those of ports stay: they have no alias
      requests: [
        ...pciRequests(backends, flavor, undefined),
        ...(stored.pci_requests?.requests ?? []).filter(({ alias_name }) => !alias_name),
      ],
    }),
    requested_destination: Destination.make({ allow_cross_cell_move: crossCells }),
  })
  await refuseSecretMove(details, flavor)
  await move(backends, context, details, {
    action: 'resize',
    flavor: flavorObject(flavor),
    autoDiskConfig: asked.autoDiskConfig ?? false,
    spec,
    fields: ['services', ...usual, 'pci_devices', 'numa_topology', 'pci_requests', 'flavor', 'vcpu_model', 'trusted_certs', 'resources'],
  })
}

export interface ColdMigration {
  /** Chosen by the scheduler when null, which still checks one that is said. */
  readonly host: string | null
  readonly crossCells: boolean
}

export async function migrate(backends: Backends, context: RequestContext, server: Server, asked: ColdMigration): Promise<void> {
  const details = await movable(backends, context, server, 'migrate')
  const crossCells = asked.crossCells && !(await portsAskForResources(backends, server))
  const node = asked.host === null ? undefined : await destination(backends, server, asked.host, crossCells)
  const ignored = (await canStay(backends, server)) ? [] : [server.host!]
  const where = node ? { host: node.host!, node: node.hypervisorHostname } : {}
  const spec = RequestSpec.change(await findRequestSpec(backends, server.uuid), {
    ignore_hosts: ignored,
    requested_destination: Destination.make({ ...where, allow_cross_cell_move: crossCells }),
  })
  await move(backends, context, details, {
    action: 'migrate',
    flavor: Flavor.unchanged(Flavor.fromWire(server.flavor!.cur)),
    autoDiskConfig: false,
    spec,
    fields: ['services', ...usual, 'flavor'],
  })
}

async function movable(backends: Backends, context: RequestContext, server: Server, verb: 'resize' | 'migrate'): Promise<Details> {
  const details = detailsOf(backends, server)
  await refuseShares(backends, details)
  refusePortAccelerators(server)
  refuseAccelerators(server)
  refuseLocked(context, server)
  checkState(server, verb)
  await requireHostUp(backends, details)
  return details
}

/** nova/compute/api.py API._validate_host_for_cold_migrate */
async function destination(backends: Backends, server: Server, host: string, crossCells: boolean): Promise<ComputeNode> {
  if (host === server.host) throw new Fault('badRequest', 'Cannot migrate to the host where the server exists.')
  if (!crossCells) return firstNode(backends, server, host)
  const mapping = await backends.stores.api.hostMappings.find(host)
  if (!mapping?.cellId) throw new Fault('computeHostNotFound', host)
  return firstNode(backends, { uuid: server.uuid, cellId: mapping.cellId }, host)
}

const staysWhenMigrated = 'COMPUTE_SAME_HOST_COLD_MIGRATE'

/** Whether the host may be chosen again, as hosts that stand for many machines may. */
async function canStay(backends: Backends, server: Server): Promise<boolean> {
  const { host, node } = server
  const found = await inCell(backends, server, (cell) => cell.computeNodes.find(host!, node ?? ''))
  if (!found) throw new Fault('computeHostNotFound', host)
  return (await backends.peers.placement.traits(found.uuid ?? '')).includes(staysWhenMigrated)
}

/** nova/compute/api.py API._check_auto_disk_config */
async function refuseDiskConfig(details: Details, asked: boolean | null): Promise<void> {
  const { image_auto_disk_config: ofImage, image_base_image_ref: image } = await details.get('systemMetadata')
  if (
    asked &&
    String(ofImage ?? '')
      .trim()
      .toLowerCase() === 'disabled'
  )
    throw new Fault('autoDiskConfigDisabled', image)
}

async function otherFlavor(backends: Backends, context: RequestContext, details: Details, flavorid: string): Promise<StoredFlavor> {
  const flavor = await findFlavor(backends, context, flavorid)
  const { id, root_gb } = details.server.flavor!.cur['nova_object.data']
  if (acceleratorProfile(flavor.extraSpecs)) throw new Fault('unsupported', acceleratorText)
  if (flavor.rootGb === 0 && root_gb !== 0 && !(await isVolumeBacked(details)))
    throw new Fault('badRequest', 'Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.')
  if (flavor.id === id) throw new Fault('badRequest', 'When resizing, instances must change flavor!')
  if (flavor.disabled) throw new Fault('flavorNotFound', flavorid)
  return flavor
}

async function checkFlavor(
  backends: Backends,
  details: Details,
  flavor: StoredFlavor,
  { onVolume, zeroDiskFlavor }: { onVolume: boolean; zeroDiskFlavor: boolean },
): Promise<void> {
  const { image, guest } = await imageOf(details)
  if (onVolume) checkGuest(flavor, guest)
  // The state of the image does not matter any more
  else checkImage({ image: { ...image, status: 'active' }, imageId: null, guest, flavor, rootVolume: null, zeroDiskFlavor })
  await topologyWith(details, flavor)
  pciRequests(backends, flavor, undefined)
  if (onVolume && flavor.memoryMb < Number(image.min_ram ?? 0))
    throw new Fault('badRequest', "Flavor's memory is too small for requested image.")
}

/** Secrets of a vTPM cannot change hands yet. nova/compute/api.py API._validate_vtpm_secret_security */
async function refuseSecretMove({ server, get }: Details, to: StoredFlavor): Promise<void> {
  const image = await get('systemMetadata')
  const from = sizeOfFlavor(server.flavor!.cur)
  const hasVtpm = (specs: StoredFlavor['extraSpecs']) => Boolean(specs['hw:tpm_version'] ?? image.image_hw_tpm_version)
  if (!hasVtpm(from.extraSpecs) || !hasVtpm(to.extraSpecs)) return
  const [before, after] = [from, to].map(({ extraSpecs }) => extraSpecs['hw:tpm_secret_security'] ?? 'user')
  if (before !== after && (before === 'deployment' || after === 'deployment'))
    throw new Fault('unsupported', "Resize between 'deployment' TPM secret security and other TPM secret security modes is not supported.")
}

interface Move {
  readonly action: 'resize' | 'migrate'
  readonly flavor: Flavor
  readonly autoDiskConfig: boolean
  readonly spec: RequestSpec
  readonly fields: readonly Field[]
}

async function move(
  backends: Backends,
  context: RequestContext,
  details: Details,
  { action, flavor, autoDiskConfig, spec, fields }: Move,
): Promise<void> {
  const systemMetadata = await rememberImage(backends, details)
  await startTask(backends, context, details, {
    verb: action,
    action,
    changes: { taskState: 'resize_prep', progress: 0, autoDiskConfig },
    parts: { systemMetadata },
    fields,
    send: toConductor(backends, context, 'migrate_server', {
      scheduler_hint: { filter_properties: { ignore_hosts: spec.ignore_hosts } },
      live: false,
      rebuild: false,
      flavor,
      block_migration: null,
      disk_over_commit: null,
      reservations: null,
      clean_shutdown: true,
      request_spec: spec,
      host_list: null,
    }),
  })
}
