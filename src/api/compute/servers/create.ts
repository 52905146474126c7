/** POST /servers: what was asked for, in which order it is refused, and the answer. */
import { Fault } from '../../../compute/faults.ts'
import { findFlavor } from '../../../compute/flavors.ts'
import type { InjectedFile } from '../../../compute/quotas.ts'
import { deviceFromApi } from '../../../compute/servers/create/block-devices.ts'
import { createServers } from '../../../compute/servers/create/create.ts'
import { generatePassword } from '../../../compute/servers/create/password.ts'
import type {
  LegacyDevice,
  WantedDevices,
  WantedNetworks,
  WantedNic,
  WantedServers,
  WantedZone,
} from '../../../compute/servers/create/wanted.ts'
import { parseZone, zoneOfForcedHost } from '../../../compute/servers/create/zones.ts'
import { hasFormat } from '../../serve/formats.ts'
import { booleanFrom } from '../../serve/values.ts'
import { fields, view } from '../../spec/fields.ts'
import { type Call, one, op, plain, type Reply, type Target } from '../../spec/operation.ts'
import { type CreateBody, createBody, type ServerBody } from './create-body.ts'

type CreateCall = Call & { readonly body: CreateBody }

interface Reservation {
  readonly reservation_id: string
}

interface Answer {
  readonly uuid: string
  readonly autoDiskConfig: boolean
  readonly securityGroups: readonly object[]
  readonly adminPass: string | undefined
}

const f = fields<Answer>()

/** The id of the first; the others are found by their names. */
const created = view({
  id: f.uuid((r: Answer) => r.uuid),
  links: f.links('servers', (r) => r.uuid),
  'OS-DCF:diskConfig': f.text((r) => (r.autoDiskConfig ? 'AUTO' : 'MANUAL')),
  security_groups: f.list((r) => r.securityGroups as object[]),
  adminPass: f.text((r) => r.adminPass),
})

// Any value that is not false counts, also the text 'False', as in Nova
const wantsReservation = (call: Call): boolean => Boolean((call as CreateCall).body.server.return_reservation_id)

export const createServer = op<CreateBody, unknown, undefined, Answer | Reservation>({
  body: createBody,
  status: 202,
  errors: [400, 403, 409],
  faults: {
    flavorNotFound: 400,
    serverGroupNotFound: 400,
    computeHostNotFound: 400,
    volumeNotFound: 400,
    snapshotNotFound: 400,
    volumeTypeNotFound: 400,
    networkNotFound: 400,
    portNotFound: 400,
    imageNotAuthorized: 400,
    imageBadRequest: 400,
    invalidVolume: 400,
  },
  reply: (call) => (wantsReservation(call) ? plain() : one('server', created)) as Reply<Answer | Reservation>,
  headers: (out, _, links) => ('uuid' in out ? [['Location', links.self('servers', out.uuid)]] : []),
  run: create,
})

async function create(call: CreateCall): Promise<Answer | Reservation> {
  const { backends, context, body } = call
  const { server } = body
  const adminPass = server.adminPass ?? generatePassword(backends.settings.compute.passwordLength)
  const { uuids, reservationId, autoDiskConfig } = await createServers(backends, context, await wantedOf(call, adminPass)).catch(
    inWordsOfTheApi,
  )
  if (wantsReservation(call)) return { reservation_id: reservationId }
  return {
    uuid: uuids[0]!,
    autoDiskConfig,
    securityGroups: server.security_groups ?? [{ name: 'default' }],
    adminPass: backends.settings.api.enableInstancePassword ? adminPass : undefined,
  }
}

function inWordsOfTheApi(error: unknown): never {
  const kind = error instanceof Fault ? error.kind : undefined
  if (kind === 'imageNotFound') throw new Fault('badRequest', 'Can not find requested image')
  if (kind === 'keyPairNotFound') throw new Fault('badRequest', 'Invalid key_name provided.')
  throw error
}

/** Reads the body and asks the rules, in Nova's order (nova/api/openstack/compute/servers.py create). */
async function wantedOf(call: CreateCall, adminPass: string): Promise<WantedServers> {
  const { backends, context, body, at } = call
  const { server } = body
  const name = server.name.trim()
  const [min, max] = countsOf(server)
  const files = filesOf(server.personality ?? [])
  const target = { project_id: context.projectId, user_id: context.userId, availability_zone: server.availability_zone ?? null }
  call.authorize('os_compute_api:servers:create', target)
  const trustedCerts = server.trusted_image_certificates ?? null
  if (trustedCerts?.length) call.authorize('os_compute_api:servers:create:trusted_certs', target)
  const zone = await zoneOf(call, server.availability_zone ?? null, target)
  checkDestination(call, server, zone, target)
  const devices = devicesOf(call, server, target)
  if (!server.imageRef && devices.form === 'none') throw new Fault('badRequest', 'Missing imageRef attribute')
  const networks = networksOf(call, server, target)
  const flavor = await findFlavor(backends, context, flavorIdOf(server.flavorRef))
  const diskConfig = server['OS-DCF:diskConfig']
  return {
    name,
    description: at('2.19') ? (server.description ?? null) : name,
    hostname: server.hostname ?? null,
    flavor,
    imageRef: server.imageRef || null,
    min,
    max,
    metadata: server.metadata ?? {},
    tags: server.tags ?? [],
    adminPass,
    userData: server.user_data ?? null,
    keyName: server.key_name ?? null,
    configDrive: booleanFrom(server.config_drive ?? false) === true,
    autoDiskConfig: diskConfig === undefined ? null : diskConfig === 'AUTO',
    accessIpV4: server.accessIPv4 ?? null,
    accessIpV6: server.accessIPv6 ?? null,
    files,
    zone,
    securityGroups: [...new Set((server.security_groups ?? []).flatMap((group) => group.name || []))],
    networks,
    devices,
    hints: (body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'] ?? {}) as Readonly<Record<string, unknown>>,
    trustedCerts,
    requestedHost: server.host || null,
    requestedNode: server.hypervisor_hostname || null,
    may: {
      zeroDiskFlavor: call.can('os_compute_api:servers:create:zero_disk_flavor'),
      multiattach: at('2.60'),
      portsWithResourceRequests: at('2.72'),
    },
  }
}

function countsOf({ min_count = 1, max_count = min_count }: ServerBody): [min: number, max: number] {
  const [min, max] = [Number(min_count), Number(max_count)]
  if (min > max) throw new Fault('badRequest', 'min_count must be <= max_count')
  return [min, max]
}

/** Nova answers 500 when a part is missing. */
export const filesOf = (personality: readonly { readonly path?: string; readonly contents?: string }[]): InjectedFile[] =>
  personality.map((file, i) => {
    const missing = file.path === undefined ? 'path' : 'contents'
    if (file.path === undefined || file.contents === undefined)
      throw new Fault('badRequest', `Bad personality format: file ${i} has no '${missing}'`)
    return [file.path, file.contents]
  })

/** A zone may name a host and a node, which not everybody may. */
async function zoneOf(call: CreateCall, text: string | null, target: Target): Promise<WantedZone> {
  const zone = parseZone(call.backends, text)
  if (!zone.forcedHost && !zone.forcedNode) return zone
  call.authorize('os_compute_api:servers:create:forced_host', target)
  return { ...zone, name: await zoneOfForcedHost(call.backends, zone) }
}

function checkDestination(call: CreateCall, { host, hypervisor_hostname }: ServerBody, zone: WantedZone, target: Target): void {
  if (!host && !hypervisor_hostname) return
  call.authorize('compute:servers:create:requested_destination', target)
  if (zone.forcedHost || zone.forcedNode)
    throw new Fault(
      'badRequest',
      'One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually exclusive.',
    )
}

function devicesOf(call: CreateCall, server: ServerBody, target: Target): WantedDevices {
  const { block_device_mapping: v1 = [], block_device_mapping_v2: v2 = [] } = server
  if (v1.length > 0 && v2.length > 0)
    throw new Fault('badRequest', 'Using different block_device_mapping syntaxes is not allowed in the same request.')
  if (v1.length === 0 && v2.length === 0) return { form: 'none' }
  const devices: WantedDevices =
    v1.length > 0
      ? { form: 'v1', devices: v1 as readonly LegacyDevice[] }
      : { form: 'v2', devices: v2.map((device) => deviceFromApi(device, Boolean(server.imageRef))) }
  call.authorize('os_compute_api:servers:create:attach_volume', target)
  return devices
}

function networksOf(call: CreateCall, { networks }: ServerBody, target: Target): WantedNetworks | null {
  if (networks === undefined) return null
  const wanted = typeof networks === 'string' ? networks : nicsOf(networks)
  if (wanted !== 'none' && wanted.length > 0) call.authorize('os_compute_api:servers:create:attach_network', target)
  return wanted
}

type NicBody = Extract<NonNullable<ServerBody['networks']>, readonly unknown[]>[number]

function nicsOf(networks: readonly NicBody[]): WantedNic[] {
  const ports = new Set<string>()
  return networks.map(({ port, uuid, fixed_ip: address = null, tag = null }) => {
    if (!port) return { portId: null, networkId: networkIdOf(uuid), address, tag }
    if (ports.has(port)) throw new Fault('badRequest', `Port ID '${port}' was specified twice: you cannot attach a port multiple times.`)
    if (address !== null)
      throw new Fault(
        'badRequest',
        `Specified Fixed IP '${address}' cannot be used with port '${port}': the two cannot be specified together.`,
      )
    ports.add(port)
    return { portId: port, networkId: null, address, tag }
  })
}

function networkIdOf(uuid: string | undefined): string {
  if (uuid === undefined) throw new Fault('badRequest', "Bad network format: missing 'uuid'")
  if (!hasFormat(uuid, 'uuid')) throw new Fault('badRequest', `Bad networks format: network uuid is not in proper format (${uuid})`)
  return uuid
}

/** An address of a flavor is as good as its id: the end of the path that Python's urlsplit finds. nova/api/openstack/common.py get_id_from_href */
const flavorIdOf = (reference: string | number): string =>
  String(reference)
    .replace(/^[\0- ]+/, '')
    .replaceAll(/[\t\r\n]/g, '')
    .replace(/^[a-z][a-z0-9+.-]*:/i, '')
    .replace(/^\/\/[^/?#]*/, '')
    .split(/[?#]/)[0]!
    .split('/')
    .at(-1)!
