/** Rebuilding servers from an image, on the host where they are. */
import type { RequestContext } from '../../oslo/context.ts'
import type { KeyPair } from '../../stores/api/key-pairs.ts'
import type { Server, ServerChanges } from '../../stores/cell/servers.ts'
import { architecture } from '../../stores/objects/enums.ts'
import { type Image, type ImageMeta, imageMetaOfInstance, systemMetadataFromImage } from '../../stores/objects/image-meta.ts'
import { KeyPairList } from '../../stores/objects/key-pair.ts'
import { InstanceNUMATopology } from '../../stores/objects/numa.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import { TrustedCerts } from '../../stores/objects/trusted-certs.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { numaTopology } from '../hardware/numa.ts'
import { soundModel } from '../hardware/switches.ts'
import { chargedTo, checkInjectedFiles, checkMetadataPairs, enforceRequest, type InjectedFile, limitSet } from '../quotas.ts'
import type { Beside } from './change.ts'
import { refuseLocked, refuseShares, refuseVtpm } from './checks.ts'
import { bootImage, kernelOf, metaOf } from './create/image.ts'
import { autoDiskConfigOf, checkImage } from './create/image-checks.ts'
import { keyPairObject } from './create/objects.ts'
import { type Details, detailsOf, isVolumeBacked, rootDevice } from './details.ts'
import { type Size, sizeOfFlavor } from './guest.ts'
import { inCell } from './in-cell.ts'
import { findRequestSpec, withRequestSpec } from './request-spec.ts'
import { checkState } from './states.ts'
import { startTask, toConductor } from './task.ts'
import { blockDevicesOf, type Field, usual } from './to-wire.ts'
import { trustedCertsOr } from './trusted-certs.ts'
import { findVolume, requireAttached } from './volumes.ts'

/** What absent parts are about stays as it is. */
export interface Rebuild {
  readonly imageRef: string
  readonly password: string
  readonly files: readonly InjectedFile[]
  readonly name?: string
  readonly description?: string | null
  readonly metadata?: Readonly<Record<string, string>>
  readonly autoDiskConfig?: boolean
  readonly accessIpV4?: string
  readonly accessIpV6?: string
  /** One of the caller; none when null. */
  readonly keyName?: string | null
  readonly userData?: string | null
  /** The site's own when null. */
  readonly trustedCerts?: readonly string[] | null
  readonly hostname?: string
  readonly preserveEphemeral: boolean
  /** Whether the image of a server that boots from a volume may change, which writes the volume anew. */
  readonly onVolumeToo: boolean
  /** Whether the caller may have root disks whose size nobody limits. */
  readonly zeroDiskFlavor: boolean
}

const fields: readonly Field[] = [
  ...usual,
  'pci_devices',
  'numa_topology',
  'pci_requests',
  'flavor',
  'migration_context',
  'trusted_certs',
  'resources',
]

/** nova/compute/api.py API.rebuild */
export async function rebuild(backends: Backends, context: RequestContext, server: Server, asked: Rebuild): Promise<void> {
  const details = detailsOf(backends, server)
  await refuseShares(backends, details, 'unsupported')
  await refuseVtpm(details, 'rebuild')
  refuseLocked(context, server)
  checkState(server, 'rebuild')
  const keyPair = await keyPairOf(backends, context, asked)
  const { image } = await bootImage(backends, context, asked.imageRef)
  const autoDiskConfig = autoDiskConfigOf(image, asked.autoDiskConfig ?? null)
  checkArchitecture(image)
  const original = await originalImage(backends, context, details, asked)
  const spec = await findRequestSpec(backends, server.uuid)
  const meta = await checkAgainstFlavor(backends, context, details, image, asked)
  const devices = await details.get('blockDevices')
  await requireAttached(backends, context, devices)
  const otherImage = original !== asked.imageRef
  if (otherImage) await requireSameTopology(details, meta)
  const kernel = await kernelOf(backends, context, image)
  const parts = await partsAfter(backends, details, image, asked, keyPair)
  const changes = {
    taskState: 'rebuilding',
    progress: 0,
    ...kernel,
    ...((await isVolumeBacked(details)) ? {} : { imageRef: asked.imageRef }),
    ...ofImage(image),
    autoDiskConfig,
    ...chosen(asked, keyPair),
  }
  const message = {
    new_pass: asked.password,
    injected_files: asked.files,
    image_ref: asked.imageRef,
    orig_image_ref: original,
    orig_sys_metadata: await details.get('systemMetadata'),
    bdms: blockDevicesOf(devices),
    recreate: false,
    on_shared_storage: false,
    preserve_ephemeral: asked.preserveEphemeral,
    // Without a host the conductor asks the scheduler whether this one may keep it
    host: otherImage ? null : server.host,
    reimage_boot_volume: asked.onVolumeToo,
    target_state: null,
  }
  const start = (request_spec: RequestSpec) =>
    startTask(backends, context, details, {
      verb: 'rebuild',
      action: 'rebuild',
      changes,
      ...parts,
      fields,
      send: toConductor(backends, context, 'rebuild_instance', { ...message, request_spec }),
    })
  if (!otherImage) await start(spec)
  else await withRequestSpec(backends, spec, RequestSpec.change(spec, { image: meta }), (saved) => start(onThisHost(server, saved)))
}

/** Key pairs are the caller's, whosever the server is. Undefined: the server keeps the one that it has. */
async function keyPairOf({ stores }: Backends, { userId }: RequestContext, { keyName }: Rebuild): Promise<KeyPair | null | undefined> {
  if (!keyName) return keyName === undefined ? undefined : null
  const found = await stores.api.keyPairs.find(userId ?? '', keyName)
  if (!found) throw new Fault('keyPairNotFound', keyName, userId)
  return found
}

/** Under the property's old name it is no less wrong, and refused with the others. nova/compute/api.py API._check_image_arch */
function checkArchitecture({ properties = {} }: Image): void {
  const { hw_architecture: name } = properties
  if (!name) return
  try {
    architecture.read(name, 'architecture')
  } catch {
    throw new Fault('badRequest', `Architecture name '${name}' is not recognised`)
  }
}

/** The image that the server is of now. Throws when it may not be changed. */
async function originalImage(backends: Backends, context: RequestContext, details: Details, asked: Rebuild): Promise<string | null> {
  if (!(await isVolumeBacked(details))) return details.server.imageRef
  if (asked.trustedCerts && asked.trustedCerts.length > 0)
    throw new Fault('badRequest', 'Image certificate validation is not supported for volume-backed servers.')
  const root = rootDevice(await details.get('blockDevices'))
  if (!root) throw new Error('Unable to find root block device mapping for volume-backed instance.')
  const volume = await findVolume(backends, context, root.volumeId ?? '')
  const id = volume.volume_image_metadata?.image_id ?? null
  if (id !== asked.imageRef && !asked.onVolumeToo)
    throw new Fault('imageUnacceptable', asked.imageRef, 'Unable to rebuild with a different image for a volume-backed server.')
  return id
}

/** nova/compute/api.py API._checks_for_create_and_rebuild */
async function checkAgainstFlavor(
  backends: Backends,
  context: RequestContext,
  details: Details,
  image: Image,
  { imageRef, metadata = {}, files, zeroDiskFlavor }: Rebuild,
): Promise<ImageMeta> {
  const limits = await limitSet(backends, ...chargedTo(context))
  checkMetadataPairs(limits, metadata)
  checkInjectedFiles(limits, files)
  await enforceRequest(backends, Object.keys(metadata).length, files)
  const guest = metaOf(image)
  const flavor = sizeOfFlavor(details.server.flavor!.cur)
  const root = rootDevice(await details.get('blockDevices'))
  const rootVolume = root?.destinationType === 'volume' ? { size: root.volumeSize } : null
  checkImage({ image, imageId: imageRef, guest, flavor, rootVolume, zeroDiskFlavor })
  numaTopology(flavor, guest)
  if (soundModel(flavor, guest)) await requireSound(backends, details)
  return guest
}

/** The version of computes since which they know sound devices. nova/compute/api.py MIN_COMPUTE_SOUND_MODEL_TRAITS */
const soundVersion = 69

async function requireSound(backends: Backends, { server }: Details): Promise<void> {
  const oldest = await inCell(backends, server, (cell) => cell.services.minimumVersion('nova-compute'))
  if ((oldest ?? 0) < soundVersion) throw new Fault('badRequest', 'Sound models are not supported until every compute service is upgraded.')
}

/** What the host has set aside for the server stays as it is, so it must still fit. nova/compute/api.py API._validate_numa_rebuild */
async function requireSameTopology(details: Details, meta: ImageMeta): Promise<void> {
  const { server, get } = details
  const flavor: Size = sizeOfFlavor(server.flavor!.cur)
  const before = numaTopology(flavor, imageMetaOfInstance({ system_metadata: await get('systemMetadata'), image_ref: server.imageRef }))
  const after = numaTopology(flavor, meta)
  const [one, other] = [before, after].map((topology) => topology && JSON.stringify(InstanceNUMATopology.toWire(topology)))
  if (one !== other)
    throw new Fault(
      'unfitFlavorImage',
      "An instance's NUMA topology cannot be changed as part of a rebuild. The image provided is invalid for this instance.",
    )
}

const ofImage = ({ properties = {} }: Image): ServerChanges => ({
  osType: (properties.os_type as string | undefined) ?? null,
  architecture: (properties.architecture as string | undefined) ?? null,
  vmMode: (properties.vm_mode as string | undefined) ?? null,
})

const chosen = (
  { name, description, accessIpV4, accessIpV6, userData, hostname }: Rebuild,
  keyPair: KeyPair | null | undefined,
): ServerChanges => ({
  ...(name !== undefined && { displayName: name }),
  ...(description !== undefined && { displayDescription: description }),
  ...(accessIpV4 !== undefined && { accessIpV4 }),
  ...(accessIpV6 !== undefined && { accessIpV6 }),
  ...(userData !== undefined && { userData }),
  ...(hostname !== undefined && { hostname }),
  ...(keyPair !== undefined && { keyName: keyPair?.name ?? null, keyData: keyPair?.publicKey ?? null }),
})

/** What is kept beside the row: as it will be, and as it was. */
async function partsAfter(backends: Backends, details: Details, image: Image, asked: Rebuild, keyPair: KeyPair | null | undefined) {
  const [metadata, systemMetadata, extra] = await Promise.all([
    details.get('metadata'),
    details.get('systemMetadata'),
    details.get('extra'),
  ])
  const kept = Object.entries(systemMetadata).filter(([key]) => !key.startsWith('image_'))
  const { rootGb } = sizeOfFlavor(details.server.flavor!.cur)
  const ofNew = { ...systemMetadataFromImage(image, rootGb), image_base_image_ref: asked.imageRef }
  const after: Readonly<Record<string, string | null>> = { ...Object.fromEntries(kept), ...ofNew }
  const columns = columnsAfter(backends, asked, keyPair)
  const touched = Object.keys(columns) as (keyof typeof columns)[]
  const now: Beside = {
    systemMetadata: { ...absent(systemMetadata, after), ...after },
    ...(asked.metadata && { metadata: asked.metadata }),
    ...(touched.length > 0 && { extra: columns }),
  }
  const before: Beside = {
    systemMetadata: { ...absent(after, systemMetadata), ...systemMetadata },
    ...(asked.metadata && { metadata }),
    ...(touched.length > 0 && { extra: Object.fromEntries(touched.map((name) => [name, extra?.[name] ?? null])) }),
  }
  const parts = {
    systemMetadata: after,
    ...(asked.metadata && { metadata: asked.metadata }),
    ...(extra && { extra: { ...extra, ...columns } }),
  }
  return { beside: { now, before }, parts }
}

/** The keys of the first that the second does not have, to be removed. */
const absent = (first: object, second: object): Record<string, undefined> =>
  Object.fromEntries(Object.keys(first).flatMap((key) => (Object.hasOwn(second, key) ? [] : [[key, undefined]])))

function columnsAfter(backends: Backends, { trustedCerts }: Rebuild, keyPair: KeyPair | null | undefined) {
  const pairs = { objects: keyPair ? [keyPairObject(keyPair)] : [] }
  const ids = trustedCerts === undefined ? undefined : trustedCertsOr(backends, trustedCerts)
  return {
    ...(keyPair !== undefined && { keypairs: JSON.stringify(KeyPairList.toWire(pairs)) }),
    ...(ids !== undefined && { trustedCerts: ids && JSON.stringify(TrustedCerts.toWire(TrustedCerts.make({ ids: [...ids] }))) }),
  }
}

/** The scheduler is asked for this host alone, and only about what matters to rebuilds. */
function onThisHost({ host, node }: Server, spec: RequestSpec): RequestSpec {
  const { id: _, ...asked } = RequestSpec.change(spec, { force_hosts: [host ?? ''], force_nodes: [node ?? ''] })
  return { ...asked, scheduler_hints: { ...spec.scheduler_hints, _nova_check_type: ['rebuild'] } }
}
