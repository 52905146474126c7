/** Ways to the console of a server: an address with a token that a proxy knows. nova/compute/manager.py ComputeManager.get_vnc_console and its like */
import type { ConsoleKind } from '../../drivers/hypervisor.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import type { ConsoleProxies } from '../settings.ts'
import type { Job, Verb } from './method.ts'

/** By the type that is asked for; undefined for one that this kind does not have. */
type Proxies = (proxies: ConsoleProxies, type: string) => string | null | undefined

const verb = (kind: ConsoleKind, isOn: (proxies: ConsoleProxies) => boolean, proxyOf: Proxies): Verb => ({
  event: null,
  keepsTask: true,
  atOnce: true,
  expected: ['ConsoleTypeInvalid', 'InstanceNotReady', 'InstanceNotFound', 'ConsoleTypeUnavailable', 'NotImplementedError'],
  async run(host, job) {
    const type = job.args.console_type as string
    const { consoles } = host.settings
    if (!isOn(consoles)) throw nova('ConsoleTypeUnavailable', { console_type: type })
    const base = proxyOf(consoles, type)
    if (base === undefined) throw nova('ConsoleTypeInvalid', { console_type: type })
    if (base === null) throw nova('ConsoleTypeUnavailable', { console_type: type })
    return authorise(host, job, kind, type, base)
  },
})

export const vnc = verb(
  'vnc',
  ({ novnc }) => novnc !== null,
  ({ novnc }, type) => (type === 'novnc' ? novnc : undefined),
)

export const spice = verb(
  'spice',
  ({ spiceHtml5, spiceDirect }) => spiceHtml5 !== null || spiceDirect !== null,
  ({ spiceHtml5, spiceDirect }, type) => ({ 'spice-html5': spiceHtml5, 'spice-direct': spiceDirect })[type],
)

// any type will do: nova/compute/manager.py ComputeManager.get_serial_console looks at none
export const serial = verb(
  'serial',
  ({ serial }) => serial !== null,
  ({ serial }) => serial,
)

export const mks = verb(
  'mks',
  ({ mks }) => mks !== null,
  ({ mks }, type) => (type === 'webmks' ? mks : undefined),
)

async function authorise(host: Host, { server }: Job, kind: ConsoleKind, type: string, base: string) {
  const { hypervisor, cell, clock, ids, settings } = host
  const { host: address, port, tlsPort, path } = await hypervisor.console(server.uuid, kind)
  const token = ids.uuid()
  const isDirect = type === 'spice-direct'
  await cell.consoleTokens.create({
    token,
    instanceUuid: server.uuid,
    consoleType: type,
    host: address,
    port,
    tlsPort: tlsPort ?? null,
    internalAccessPath: isDirect ? null : path,
    accessUrlBase: base,
    expires: Math.floor(clock.now() / 1000) + settings.consoleSeconds,
  })
  return {
    host: address,
    port,
    internal_access_path: path,
    ...(tlsPort !== undefined && { tlsPort }),
    token,
    access_url: accessUrl(type, base, token),
  }
}

/** noVNC wants the token within a parameter of its own. nova/objects/console_auth_token.py ConsoleAuthToken.access_url */
function accessUrl(type: string, base: string, token: string): string {
  if (type !== 'novnc') return `${base}?token=${token}`
  const url = new URL(base)
  url.searchParams.set('path', `${url.searchParams.get('path') ?? ''}?token=${token}`)
  return url.href
}
