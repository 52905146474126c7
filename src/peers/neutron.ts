/** Neutron's API, as far as Nova uses it. */
import type { RequestContext } from '../oslo/context.ts'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { Session } from '../oslo/keystoneauth/session.ts'
import { repr, str } from '../oslo/python.ts'
import type { PeerService } from './service.ts'

/** Filters of a list: a key with several values matches any of them. */
export type NeutronQuery = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface NeutronPort {
  readonly id: string
  readonly name: string
  readonly network_id: string
  readonly tenant_id: string
  readonly mac_address: string
  readonly status: string
  readonly admin_state_up: boolean
  readonly device_id: string
  readonly device_owner: string
  readonly fixed_ips: readonly { subnet_id: string; ip_address: string }[]
  readonly security_groups: readonly string[]
  readonly port_security_enabled?: boolean
  readonly 'binding:host_id'?: string
  readonly 'binding:vnic_type'?: string
  readonly 'binding:vif_type'?: string
  readonly 'binding:vif_details'?: Readonly<Record<string, unknown>>
  readonly 'binding:profile'?: Readonly<Record<string, unknown>>
  readonly resource_request?: unknown
  readonly [key: string]: unknown
}

export interface NeutronNetwork {
  readonly id: string
  readonly name: string
  readonly tenant_id: string
  readonly subnets: readonly string[]
  readonly shared: boolean
  readonly admin_state_up: boolean
  readonly 'router:external'?: boolean
  readonly port_security_enabled?: boolean
  readonly mtu?: number
  readonly [key: string]: unknown
}

export interface NeutronSecurityGroup {
  readonly id: string
  readonly name: string
  readonly [key: string]: unknown
}

/** Where a port is, or may go. */
export interface PortBinding {
  readonly host: string
  readonly status: string
  readonly vif_type?: string
  readonly vnic_type?: string
  readonly [key: string]: unknown
}

/** Collections by their names in paths, with what they hold. */
interface Collections {
  ports: NeutronPort
  networks: NeutronNetwork
  subnets: Readonly<Record<string, unknown>> & { readonly id: string }
  'security-groups': NeutronSecurityGroup
  'security-group-rules': Readonly<Record<string, unknown>> & { readonly id: string }
  floatingips: Readonly<Record<string, unknown>> & { readonly id: string }
}
type Collection = keyof Collections

export interface NeutronClient {
  list<C extends Collection>(collection: C, query?: NeutronQuery): Promise<Collections[C][]>
  /** Undefined when it is not there or not to be seen. */
  show<C extends Collection>(collection: C, id: string, query?: NeutronQuery): Promise<Collections[C] | undefined>
  create<C extends Collection>(collection: C, body: object): Promise<Collections[C]>
  update<C extends Collection>(collection: C, id: string, body: object): Promise<Collections[C]>
  /** False when it was gone already. */
  remove(collection: Collection, id: string): Promise<boolean>
  quota(projectId: string): Promise<Readonly<Record<string, number>>>
  /** The binding of a port to a host; undefined when there is none. (binding-extended) */
  binding(portId: string, host: string): Promise<PortBinding | undefined>
  bind(portId: string, binding: object): Promise<PortBinding>
  /** Makes the binding to a host the one in force. */
  activate(portId: string, host: string): Promise<void>
  /** False when there was none. */
  unbind(portId: string, host: string): Promise<boolean>
  /** The network that a project gets when it asks for none; made when it is not there. */
  autoAllocatedTopology(projectId: string): Promise<string>
  /** Whether a network of the project's own could be made for it when it needs one. */
  canAutoAllocate(projectId: string): Promise<boolean>
  /** Anything else: the parsed answer. */
  readonly session: Session
}

/** All methods reject with a `PeerError`. */
export interface Neutron {
  as(context: RequestContext): NeutronClient
  readonly own: NeutronClient
  /** Whether it has an extension; asked once per `extension_sync_interval`. */
  has(alias: string): Promise<boolean>
}

interface NeutronRules {
  readonly clock: { now(): number }
  /** [neutron] extension_sync_interval */
  readonly extensionSeconds: number
}

export function neutron(service: PeerService, { clock, extensionSeconds }: NeutronRules): Neutron {
  let extensions: { at: number; aliases: Promise<ReadonlySet<string>> } | undefined
  const read = async () => {
    const { extensions } = (await service.own.request({ path: '/v2.0/extensions' })).json<{ extensions: { alias: string }[] }>()
    return new Set(extensions.map(({ alias }) => alias))
  }
  return {
    as: (context) => neutronClient(service.as(context)),
    own: neutronClient(service.own),
    async has(alias) {
      if (!extensions || clock.now() - extensions.at > extensionSeconds * 1000) {
        const asked = { at: clock.now(), aliases: read() }
        extensions = asked
        asked.aliases.catch(() => {
          if (extensions === asked) extensions = undefined
        })
      }
      return (await extensions.aliases).has(alias)
    },
  }
}

/** `security-groups` in paths is `security_group` in bodies. */
const keyOf = (collection: Collection): string => collection.replaceAll('-', '_')
const singular = (collection: Collection): string => keyOf(collection).slice(0, -1)

/** Neutron, asked by a session. */
export const neutronClient = (session: Session): NeutronClient => ({
  session,
  async list(collection, query) {
    const key = keyOf(collection)
    const found: never[] = []
    let ask: NeutronQuery | undefined = query ?? {}
    // [DEFAULT] pagination_max_limit of Neutron says how many come at once
    while (ask) {
      const answer = await session.request({ path: `/v2.0/${collection}`, ...(Object.keys(ask).length > 0 && { query: ask }) })
      const page: Record<string, never[] | undefined> = answer.json()
      const rows = page[key]!
      for (const each of rows) found.push(each)
      // an empty page is the last, whatever its links say
      ask = rows.length > 0 ? nextPage(page[`${key}_links`] ?? []) : undefined
    }
    return found
  },
  async show(collection, id, query) {
    const path = `/v2.0/${collection}/${encodeURIComponent(id)}`
    const answer = await session.request({ path, allow: [404], ...(query && { query }) })
    return answer.status === 404 ? undefined : answer.json<Record<string, never>>()[singular(collection)]
  },
  async create(collection, body) {
    const answer = await session.request({ method: 'POST', path: `/v2.0/${collection}`, json: { [singular(collection)]: body } })
    return answer.json<Record<string, never>>()[singular(collection)]!
  },
  async update(collection, id, body) {
    const path = `/v2.0/${collection}/${encodeURIComponent(id)}`
    const answer = await session.request({ method: 'PUT', path, json: { [singular(collection)]: body } })
    return answer.json<Record<string, never>>()[singular(collection)]!
  },
  async remove(collection, id) {
    const path = `/v2.0/${collection}/${encodeURIComponent(id)}`
    const { status } = await session.request({ method: 'DELETE', path, allow: [404] })
    return status !== 404
  },
  async quota(projectId) {
    return (await session.request({ path: `/v2.0/quotas/${projectId}` })).json<{ quota: Record<string, number> }>().quota
  },
  async canAutoAllocate(projectId) {
    const path = `/v2.0/auto-allocated-topology/${projectId}`
    const { status } = await session.request({ path, query: { fields: 'dry-run' }, allow: [409] })
    return status !== 409
  },
  async binding(portId, host) {
    const answer = await session.request({ path: bindingPath(portId, host), allow: [404] })
    return answer.status === 404 ? undefined : answer.json<{ binding: PortBinding }>().binding
  },
  async bind(portId, binding) {
    const answer = await session.request({ method: 'POST', path: bindingPath(portId), json: { binding } })
    return answer.json<{ binding: PortBinding }>().binding
  },
  async activate(portId, host) {
    await session.request({ method: 'PUT', path: `${bindingPath(portId, host)}/activate` })
  },
  async unbind(portId, host) {
    const { status } = await session.request({ method: 'DELETE', path: bindingPath(portId, host), allow: [404] })
    return status !== 404
  },
  async autoAllocatedTopology(projectId) {
    const answer = await session.request({ path: `/v2.0/auto-allocated-topology/${encodeURIComponent(projectId)}` })
    return answer.json<{ auto_allocated_topology: { id: string } }>().auto_allocated_topology.id
  },
})

/** The query of the link to the next page; the rest of its address may be one that is not ours to use. neutronclient/v2_0/client.py Client._pagination */
function nextPage(links: readonly { readonly rel: string; readonly href: string }[]): NeutronQuery | undefined {
  const next = links.find(({ rel }) => rel === 'next')
  if (!next) return undefined
  const { searchParams } = new URL(next.href, 'http://neutron')
  return Object.fromEntries([...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]))
}

const bindingPath = (portId: string, host?: string): string =>
  `/v2.0/ports/${encodeURIComponent(portId)}/bindings${host === undefined ? '' : `/${encodeURIComponent(host)}`}`

const deviceKeys = [
  'pci_vendor_info',
  'pci_slot',
  'allocation',
  'arq_uuid',
  'physical_network',
  'card_serial_number',
  'vf_num',
  'pf_mac_address',
  'device_mac_address',
]

/** The profile of a port's binding without what a compute wrote about the device. */
export const profileWithoutDevice = (port: NeutronPort): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(port['binding:profile'] ?? {}).filter(([key]) => !deviceKeys.includes(key)))

/** Neutron's word for what went wrong, such as `IpAddressInUse`; undefined when it did not say. */
export function neutronFault(error: unknown): string | undefined {
  if (!(error instanceof PeerError)) return undefined
  try {
    const type: unknown = JSON.parse(error.text)?.NeutronError?.type
    return typeof type === 'string' ? type : undefined
  } catch {
    return undefined
  }
}

/** What Neutron said no with, in neutronclient's words, which Nova hands on to users. neutronclient/v2_0/client.py exception_handler_v20 */
export function neutronText(error: PeerError): string {
  const id = [error.headers['x-openstack-request-id']].flat()[0]
  const said = error.status === undefined ? error.message : saidBy(error.text, error.status)
  return `${said}${id ? `\nNeutron server returns request_ids: ['${id}']` : ''}`
}

function saidBy(text: string, status: number): string {
  const body = parsed(text)
  if (body === undefined) return text === '' ? `${status}-()` : text
  const { NeutronError: said, message } = body as { NeutronError?: unknown; message?: unknown }
  if (!said) return message ? str(message) : `${status}-${repr(body)}`
  const { message: words, detail } = said as { message?: unknown; detail?: unknown }
  if (typeof words !== 'string') return str(said)
  return typeof detail === 'string' && detail !== '' ? `${words}\n${detail}` : words
}

/** A JSON object; undefined for anything else. */
function parsed(text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}
