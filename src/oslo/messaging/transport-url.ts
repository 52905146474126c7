/** `transport_url` as operators write it: `rabbit://user:pw@h1:5672,h2:5672/vhost?ssl=1`, or `local:///run/nova/messages.sock`. */
import { InvalidTransportUrl } from './errors.ts'

export interface TransportHost {
  readonly hostname: string
  readonly port: number | null
  readonly username: string | null
  readonly password: string | null
}

export interface TransportUrl {
  /** `rabbit`, `local`, `memory`. */
  readonly scheme: string
  readonly hosts: readonly TransportHost[]
  /** What follows the slash after the hosts, decoded; null when there is no slash. For `local` the path without its first slash. */
  readonly virtualHost: string | null
  /** Options of the driver that the URL overrides; a name that came twice is joined by a comma. */
  readonly query: Readonly<Record<string, string>>
}

const form = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i

/** oslo_messaging/transport.py TransportURL.parse. Throws an `InvalidTransportUrl`. */
export function parseTransportUrl(url: string): TransportUrl {
  const found = form.exec(url)
  if (!found) throw new InvalidTransportUrl('transport_url has no scheme, such as rabbit:// or local://')
  const [, scheme, netloc = '', path = '', query = ''] = found
  return {
    scheme: scheme!.toLowerCase(),
    hosts: netloc.split(',').filter(Boolean).map(parseHost),
    virtualHost: path.startsWith('/') ? unquote(path.slice(1)) : null,
    query: parseQuery(query),
  }
}

/** The URL with each password replaced, for logs and messages. */
export function redactTransportUrl(url: string): string {
  const start = url.indexOf('://') + 3
  if (start < 3) return url.replace(/:.*@/s, ':***@')
  const end = url.slice(start).search(/[/?#]/)
  const netloc = end < 0 ? url.slice(start) : url.slice(start, start + end)
  const shown = netloc.split(',').map((host) => host.replace(/:.*@/, ':***@'))
  return url.slice(0, start) + shown.join(',') + url.slice(start + netloc.length)
}

function parseHost(text: string): TransportHost {
  const at = text.lastIndexOf('@')
  const { hostname, port } = parseAddress(text.slice(at + 1))
  if (at < 0) return { hostname, port, username: null, password: null }
  const who = text.slice(0, at)
  const colon = who.indexOf(':')
  return {
    hostname,
    port,
    username: unquote(colon < 0 ? who : who.slice(0, colon)),
    password: colon < 0 ? null : unquote(who.slice(colon + 1)),
  }
}

/** `host`, `host:port`, `[v6]:port`, or a bare IPv6 address. */
function parseAddress(text: string): { hostname: string; port: number | null } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  if (bracketed) return { hostname: bracketed[1]!, port: parsePort(bracketed[2], text) }
  const parts = text.split(':')
  if (parts.length > 2) return { hostname: text, port: null }
  return { hostname: parts[0]!, port: parsePort(parts[1], text) }
}

function parsePort(text: string | undefined, address: string): number | null {
  if (text === undefined) return null
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65535) throw new InvalidTransportUrl(`transport_url: ${address} has no valid port`)
  return port
}

function parseQuery(text: string): Record<string, string> {
  const all: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(text)) if (value !== '') all[name] = name in all ? `${all[name]},${value}` : value
  return all
}

/** Percent-decodes; what is badly encoded stays as it is. */
function unquote(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
