/** The network information that Nova keeps of a server: a list of its interfaces with their networks, subnets and addresses, as JSON text. */
import { isIPv4, isIPv6 } from 'node:net'
import { InvalidField } from '../../oslo/objects/errors.ts'
import { field, shown } from '../../oslo/objects/field.ts'
import { uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

type Meta = Record<string, unknown>

export interface IP {
  address: string | null
  /** `fixed`, `floating`, `gateway`, `dns`. */
  type: string | null
  version: number | null
  meta: Meta
}

export interface FixedIP extends IP {
  floating_ips: IP[]
}

export interface Route {
  cidr: string | null
  gateway: IP | null
  interface: string | null
  meta: Meta
}

export interface Subnet {
  cidr: string | null
  dns: IP[]
  gateway: IP | null
  ips: FixedIP[]
  routes: Route[]
  version: number | null
  meta: Meta
}

export interface Network {
  id: string | null
  bridge: string | null
  label: string | null
  subnets: Subnet[]
  meta: Meta
}

/** One interface; its id is that of the port. */
export interface VIF {
  id: string | null
  address: string | null
  network: Network | null
  type: string | null
  details: Record<string, unknown>
  devname: string | null
  ovs_interfaceid: string | null
  qbh_params: Record<string, unknown> | null
  qbg_params: Record<string, unknown> | null
  active: boolean
  vnic_type: string
  profile: Record<string, unknown> | null
  preserve_on_delete: boolean
  delegate_create: boolean
  meta: Meta
}

export type NetworkInfo = VIF[]

/** Reads what instance_info_caches.network_info holds; what is missing gets Nova's default. Null is an empty list. Throws an `InvalidField`. */
export function readNetworkInfo(json: string | null, at = 'network_info'): NetworkInfo {
  if (json === null) return []
  const value = parse(json, at)
  if (!Array.isArray(value)) throw new InvalidField(at, 'is not a list of interfaces')
  return value.map(toVif)
}

export const fixedIps = (vif: VIF): FixedIP[] => vif.network?.subnets.flatMap(({ ips }) => ips) ?? []

export const floatingIps = (vif: VIF): IP[] => fixedIps(vif).flatMap((ip) => ip.floating_ips)

/** A field with one interface, as JSON text on the wire. */
export const vif = field<VIF>({
  kind: 'VIF',
  read: (value, at) => (typeof value === 'string' ? toVif(parse(value, at) as Raw) : refuse(value, at)),
  write: (value) => JSON.stringify(value),
})

const networkInfo = field<NetworkInfo>({
  kind: 'network info',
  read: (value, at) => (typeof value === 'string' ? readNetworkInfo(value, at) : refuse(value, at)),
  write: (value) => JSON.stringify(value),
})

/** What a cell remembers of the network of a server. */
export const InstanceInfoCache = defineObject('InstanceInfoCache', '1.5', {
  instance_uuid: uuid,
  network_info: networkInfo.orNull(),
  ...persistent,
})
export type InstanceInfoCache = ObjectValue<typeof InstanceInfoCache>

const refuse = (value: unknown, at: string): never => {
  throw new InvalidField(at, `${shown(value)} is not JSON text`)
}

function parse(json: string, at: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return refuse(json, at)
  }
}

type Raw = Record<string, unknown>

// nova/network/model.py Model._set_meta: what is no attribute belongs to meta
const metaOf = (meta: unknown, rest: Raw): Meta => ({ ...(meta as Meta | undefined), ...rest })

function toVif(raw: Raw): VIF {
  const {
    id = null,
    address = null,
    network,
    type = null,
    details,
    devname = null,
    ovs_interfaceid = null,
    qbh_params = null,
    ...more
  } = raw
  const { qbg_params = null, active = false, vnic_type = 'normal', profile = null, ...others } = more
  const { preserve_on_delete = false, delegate_create = false, meta, ...rest } = others
  return {
    id,
    address,
    network: network ? toNetwork(network as Raw) : null,
    type,
    details: details ?? {},
    devname,
    ovs_interfaceid,
    qbh_params,
    qbg_params,
    active,
    vnic_type,
    profile,
    preserve_on_delete,
    delegate_create,
    meta: metaOf(meta, rest),
  } as VIF
}

function toNetwork({ id = null, bridge = null, label = null, subnets, meta, ...rest }: Raw): Network {
  return { id, bridge, label, subnets: rawList(subnets).map(toSubnet), meta: metaOf(meta, rest) } as Network
}

function toSubnet({ cidr = null, dns, gateway, ips, routes, version, meta, ...rest }: Raw): Subnet {
  return {
    cidr,
    dns: rawList(dns).map(toIp),
    gateway: gateway ? toIp(gateway as Raw) : null,
    ips: rawList(ips).map(toFixedIp),
    routes: rawList(routes).map(toRoute),
    version: version || versionOf(String(cidr).split('/')[0]!),
    meta: metaOf(meta, rest),
  } as Subnet
}

function toRoute({ cidr = null, gateway, interface: device = null, meta, ...rest }: Raw): Route {
  return { cidr, gateway: gateway ? toIp(gateway as Raw) : null, interface: device, meta: metaOf(meta, rest) } as Route
}

function toIp({ address = null, type = null, version, meta, ...rest }: Raw): IP {
  return { address, type, version: version || versionOf(String(address)), meta: metaOf(meta, rest) } as IP
}

function toFixedIp({ floating_ips, ...raw }: Raw): FixedIP {
  const ip = toIp(raw)
  return { ...ip, type: ip.type || 'fixed', floating_ips: rawList(floating_ips).map(toIp) }
}

const rawList = (value: unknown): Raw[] => (value as Raw[] | null | undefined) ?? []

const versionOf = (address: string): number | null => (isIPv4(address) ? 4 : isIPv6(address) ? 6 : null)
