/**
 * Makes servers: checks everything that can be checked before a host is known, remembers what was asked for, and hands it to the conductor
 * (nova/compute/api.py API.create). Refusals come in Nova's order; what others must be asked is asked ahead, side by side.
 */
import type { RequestContext } from '../../../oslo/context.ts'
import { MessageDeliveryFailure } from '../../../oslo/messaging/errors.ts'
import type { KeyPair } from '../../../stores/api/key-pairs.ts'
import type { Accepted, NewRequest } from '../../../stores/api/requests.ts'
import { answered } from '../../../stores/cells.ts'
import { BlockDeviceMappingList } from '../../../stores/objects/block-device-mapping.ts'
import { NetworkRequestList } from '../../../stores/objects/network-request.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import { numaTopology } from '../../hardware/numa.ts'
import { pciGroups, pciRequests } from '../../hardware/pci.ts'
import { diskEncryption, pciAffinity, soundModel } from '../../hardware/switches.ts'
import {
  chargedTo,
  checkInjectedFiles,
  checkMetadataPairs,
  enforceRequest,
  groupMemberLimit,
  limitSet,
  serversAllowed,
  usageOf,
} from '../../quotas.ts'
import { castBuild } from '../../rpc/build.ts'
import { tellMembers } from '../../server-groups.ts'
import { enforceLocal, enforceServers } from '../../unified-limits.ts'
import { allDevices, rootDeviceName } from './block-devices.ts'
import { destinationOf } from './destination.ts'
import { foreignHints, hintLists, wantedGroup } from './hints.ts'
import { bootImage, imageOfDevices, kernelOf, metaOf } from './image.ts'
import { autoDiskConfigOf, checkImage } from './image-checks.ts'
import { type NetworkResources, networkFacts, networkResources } from './network-resources.ts'
import { checkShareable, refusedByNeutron, serversWithPorts } from './networks.ts'
import { buildRequestWire, deviceList, type Plan, requestOf, specWire, tagsWire } from './objects.ts'
import { reservationId } from './password.ts'
import { readyDevices, releaseVolumes, sized, volumesOf, zoneOfVolumes } from './ready-devices.ts'
import { findSecurityGroups } from './security-groups.ts'
import type { Device, WantedServers } from './wanted.ts'
import { checkZone } from './zones.ts'

export interface Created {
  readonly uuids: readonly string[]
  readonly reservationId: string
  readonly autoDiskConfig: boolean
}

/** Throws the first thing that is wrong; then nothing was made. */
export async function createServers(backends: Backends, context: RequestContext, wanted: WantedServers): Promise<Created> {
  checkShareable(wanted.networks, wanted.max)
  if (wanted.hostname && wanted.max > 1) throw new Fault('badRequest', 'Unable to allocate a single hostname to multiple instances')
  const plan = await planServers(backends, context, wanted)
  await build(backends, context, plan).catch(async (error) => {
    await releaseVolumes(backends, context, plan.devices)
    throw error
  })
  return { uuids: plan.uuids, reservationId: plan.reservationId, autoDiskConfig: plan.autoDiskConfig }
}

/** A question whose answer, or refusal, is awaited when its turn comes. */
function ahead<T>(question: Promise<T>): Promise<T> {
  question.catch(() => undefined)
  return question
}

type Asked = ReturnType<typeof askAhead>

/** Everything that can be asked before anything is known. */
function askAhead(backends: Backends, context: RequestContext, wanted: WantedServers) {
  const hints = foreignHints(wanted.hints)
  const charged = chargedTo(context)
  const groups = wanted.securityGroups.length > 0 ? wanted.securityGroups : ['default']
  return {
    hints,
    zone: ahead(checkZone(backends, wanted.zone)),
    boot: ahead(wanted.imageRef ? bootImage(backends, context, wanted.imageRef) : imageOfDevices(backends, context, wanted.devices)),
    securityGroups: ahead(findSecurityGroups(backends, context, groups).catch(refusedByNeutron)),
    withPorts: ahead(serversWithPorts(backends, context, wanted.networks, wanted.max).catch(refusedByNeutron)),
    keyPair: ahead(findKeyPair(backends, context, wanted.keyName)),
    networks: ahead(networkFacts(backends, wanted.networks)),
    limits: ahead(limitSet(backends, ...charged)),
    usage: ahead(usageOf(backends, ...charged)),
    group: ahead(wantedGroup(backends, context, hints)),
    destination: ahead(destinationOf(backends, wanted)),
  }
}

/** The steps are Nova's, in its order. */
async function planServers(backends: Backends, context: RequestContext, wanted: WantedServers): Promise<Plan> {
  const asked = askAhead(backends, context, wanted)
  await asked.zone
  const basics = await basicsOf(backends, context, wanted, asked)
  const guest = await guestOf(backends, wanted, basics.meta, asked)
  if (basics.withPorts < wanted.min) throw new Fault('portLimitExceeded')
  const devices = devicesOf(backends, wanted, basics)
  await checkAgainstFlavor(backends, wanted, basics, devices, asked)
  const place = await placeOf(
    backends,
    context,
    wanted,
    { withPorts: basics.withPorts, onVolume: rootVolumeOf(devices) !== undefined },
    asked,
  )
  const disks = await disksOf(backends, context, wanted, devices, place.count)
  return { context, wanted, reservationId: reservationId(), ...basics, ...guest, ...place, ...disks }
}

/** The image, and what is looked up by name. */
async function basicsOf(backends: Backends, context: RequestContext, wanted: WantedServers, asked: Asked) {
  const trustedCerts = certificates(backends, wanted)
  if (trustedCerts && !wanted.imageRef)
    throw new Fault('badRequest', 'Image certificate validation is not supported when booting from volume')
  const boot = await asked.boot
  const autoDiskConfig = autoDiskConfigOf(boot.image, wanted.autoDiskConfig)
  if (wanted.flavor.disabled) throw new Fault('flavorNotFound', wanted.flavor.id)
  const securityGroups = await asked.securityGroups
  const withPorts = await asked.withPorts
  const kernel = await kernelOf(backends, context, boot.image)
  const keyPair = await asked.keyPair
  const rootName = rootDeviceName(boot.image)
  return { trustedCerts, boot, autoDiskConfig, securityGroups, withPorts, kernel, keyPair, rootName, meta: metaOf(boot.image) }
}

type Basics = Awaited<ReturnType<typeof basicsOf>>

/** What the guest asks of a host's processors, devices and networks. */
async function guestOf(backends: Backends, wanted: WantedServers, meta: Basics['meta'], asked: Asked) {
  const { flavor } = wanted
  const numa = numaTopology(flavor, meta)
  const affinity = pciAffinity(flavor, meta)
  const ofFlavor = pciRequests(backends, flavor, affinity)
  const facts = await asked.networks
  const networks = networkResources(backends, wanted.networks, facts, affinity)
  refuseAccelerators(flavor.extraSpecs)
  await checkComputes(backends, wanted, { ...networks, extended: facts.extended }, numa?.cells?.[0]?.cpu_policy === 'mixed')
  const groups = backends.settings.filterScheduler.pciInPlacement ? pciGroups(ofFlavor) : []
  return { numa, networks, pci: [...ofFlavor, ...networks.pci], pciGroups: groups }
}

/** Every disk, in the form in which it was asked for. */
function devicesOf({ settings }: Backends, wanted: WantedServers, { boot, rootName, withPorts, meta }: Basics): Device[] {
  const { imageRef, flavor } = wanted
  const ephemeralFormat = settings.compute.defaultEphemeralFormat
  const rules = { imageRef, image: boot.image, rootName, flavor, ephemeralFormat, several: withPorts > 1 }
  const encryption = diskEncryption(flavor, meta)
  const devices = allDevices(wanted.devices, rules).map((device) => encrypted(device, encryption))
  // Words that Nova does not know are refused before anything is asked about the disks
  deviceList(devices)
  return devices
}

const encrypted = (device: Device, encryption: { readonly format: string | undefined } | undefined): Device =>
  encryption && device.destination_type === 'local'
    ? { ...device, encrypted: true, ...(encryption.format && { encryption_format: encryption.format }) }
    : device

/** The root disk, when it is a volume. */
function rootVolumeOf(devices: readonly Device[]): Device | undefined {
  const root = devices.find(({ boot_index }) => boot_index === 0)
  return root?.destination_type === 'volume' ? root : undefined
}

/** nova/compute/api.py API._checks_for_create_and_rebuild */
async function checkAgainstFlavor(
  backends: Backends,
  wanted: WantedServers,
  { boot, meta }: Basics,
  devices: readonly Device[],
  asked: Asked,
) {
  const { flavor, may } = wanted
  const limits = await asked.limits
  checkMetadataPairs(limits, wanted.metadata)
  checkInjectedFiles(limits, wanted.files)
  await enforceRequest(backends, Object.keys(wanted.metadata).length, wanted.files)
  const volume = rootVolumeOf(devices)
  const rootVolume = volume ? { size: volume.volume_size } : null
  checkImage({ image: boot.image, imageId: boot.id, guest: meta, flavor, rootVolume, zeroDiskFlavor: may.zeroDiskFlavor })
  if (soundModel(flavor, meta))
    await requireComputes(backends, 69, 'Sound models are not supported until every compute service is upgraded.')
}

/** Where they may go, and how many of them. */
async function placeOf(
  backends: Backends,
  context: RequestContext,
  wanted: WantedServers,
  { withPorts, onVolume }: { readonly withPorts: number; readonly onVolume: boolean },
  asked: Asked,
) {
  const group = await asked.group
  const hints = hintLists(asked.hints)
  const destination = await asked.destination
  const limits = await asked.limits
  const { flavor, min } = wanted
  const allowed = serversAllowed(limits, await asked.usage, flavor, min, withPorts)
  const count = await enforceServers(backends, context.projectId ?? '', { flavor, onVolume, min, max: allowed })
  if (group) await enforceLocal(backends, 'server_group_members', 1, group.members.length + count - 1)
  const joining = group && { groupId: group.id, userId: context.userId ?? '', limit: groupMemberLimit(limits) }
  return { group, hints, destination, count, joining }
}

/** The disks with all that is known of them; its volumes are reserved. */
async function disksOf(backends: Backends, context: RequestContext, wanted: WantedServers, devices: readonly Device[], count: number) {
  const volumes = await volumesOf(backends, context, devices)
  const zone = zoneOfVolumes(backends, wanted.zone.name, volumes.values()) ?? wanted.zone.name
  const uuids = Array.from({ length: count }, () => backends.ids.uuid())
  const { imageRef, flavor, may } = wanted
  const demand = { devices, serverUuid: uuids[0]!, imageRef, flavor, volumes, mayMultiattach: may.multiattach }
  return { zone, uuids, isVolumeBacked: rootVolumeOf(devices) !== undefined, devices: await readyDevices(backends, context, demand) }
}

/** Those that are asked for, or those that [glance] says when images are verified. */
function certificates({ settings }: Backends, { trustedCerts }: WantedServers): readonly string[] | null {
  if (trustedCerts && trustedCerts.length > 0) return trustedCerts
  const { verifyGlanceSignatures, enableCertificateValidation, defaultTrustedCertificateIds } = settings.glance
  return verifyGlanceSignatures && enableCertificateValidation && defaultTrustedCertificateIds.length > 0
    ? defaultTrustedCertificateIds
    : null
}

async function findKeyPair({ stores }: Backends, { userId }: RequestContext, name: string | null): Promise<KeyPair | null> {
  if (name === null) return null
  const found = await stores.api.keyPairs.find(userId ?? '', name)
  if (!found) throw new Fault('keyPairNotFound', name, userId)
  return found
}

/** Accelerators are Cyborg's, which we do not ask: a clear no instead of a server without them. */
function refuseAccelerators(extraSpecs: Readonly<Record<string, string>>): void {
  const profile = extraSpecs['accel:device_profile']
  if (profile) throw new Fault('deviceProfileError', profile, 'accelerators are not supported.')
}

/** What only some callers and some computes understand. */
async function checkComputes(
  backends: Backends,
  { may }: WantedServers,
  networks: NetworkResources & { readonly extended: boolean },
  mixed: boolean,
): Promise<void> {
  if (networks.remoteManaged)
    await requireComputes(backends, 61, 'Remote-managed ports are not supported until an upgrade is fully finished.')
  if (networks.groups.length > 0 && !may.portsWithResourceRequests)
    throw new Fault(
      'badRequest',
      'Creating servers with ports having resource requests, like a port with a QoS minimum bandwidth policy, is not supported until microversion 2.72.',
    )
  if (networks.groups.length > 0 && networks.extended)
    await requireComputes(
      backends,
      58,
      'The port-resource-request-groups neutron API extension is not supported by old nova compute service. Upgrade your compute services to Xena (24.0.0) or later.',
    )
  if (mixed)
    await requireComputes(
      backends,
      52,
      "To support 'mixed' policy instance 'nova-compute' service must be upgraded to 'Victoria' or later.",
      'conflict',
    )
}

/** Refuses unless there are computes and every one is of this version or newer (nova/objects/service.py get_minimum_version_all_cells). */
async function requireComputes(
  { stores }: Backends,
  version: number,
  text: string,
  kind: 'badRequest' | 'conflict' = 'badRequest',
): Promise<void> {
  const answers = await stores.cells.gather((cell) => cell.services.minimumVersion('nova-compute'))
  const versions = answers.filter(answered).flatMap(({ value }) => value || [])
  if (Math.min(...(versions.length > 0 ? versions : [0])) < version) throw new Fault(kind, text)
}

/** Remembers the servers and hands them to the conductor; when that fails they are forgotten again. */
async function build(backends: Backends, context: RequestContext, plan: Plan): Promise<void> {
  const { stores } = backends
  const sizedPlan = { ...plan, devices: plan.devices.map((device) => sized(device, plan.wanted.flavor)) }
  const requests = plan.uuids.map((_, index) => requestOf(sizedPlan, index))
  const accepted = await stores.api.requests.create(requests, plan.joining)
  if (!accepted) throw new Fault('groupMemberLimitExceeded')
  if (plan.group) await tellMembers(backends, context, plan.group.uuid, plan.uuids)
  await send(backends, context, plan, requests, accepted).catch(async (error) => {
    await stores.api.requests.discard(plan.uuids)
    if (error instanceof MessageDeliveryFailure) throw new Fault('undeliveredBuild', error.message)
    throw error
  })
}

function send(
  { rpc }: Backends,
  context: RequestContext,
  plan: Plan,
  requests: readonly NewRequest[],
  accepted: readonly Accepted[],
): Promise<void> {
  const { requested } = plan.networks
  return castBuild({ rpc }, context, {
    build_requests: requests.map((request, index) => buildRequestWire(request, accepted[index]!)),
    request_specs: accepted.map((each, index) => specWire(plan, index, each)),
    image: plan.boot.wire,
    admin_password: plan.wanted.adminPass,
    injected_files: plan.wanted.files,
    requested_networks: requested && NetworkRequestList.toWire(requested),
    block_device_mapping: BlockDeviceMappingList.toWire(deviceList(plan.devices)),
    tags: tagsWire(plan),
  })
}
