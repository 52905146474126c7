/** Where a host listens, and in which protocol: `http://127.0.0.1:8774`, `https://[::]:8774`, `uwsgi:/run/nova/api.sock`, `http:fd:3`. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'

export type Protocol = 'http' | 'https' | 'uwsgi'

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A path, or `@name` for a name without a file. */
  | { readonly kind: 'unix'; readonly path: string }
  /** The socket of this number among those that systemd handed over, from 0. */
  | { readonly kind: 'systemd'; readonly index: number }

/** Files in PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
  /** Clients then need a certificate that one of these signed. */
  readonly clientAuthority?: string
}

export interface Endpoint {
  readonly protocol: Protocol
  readonly address: Address
  /** Of an https endpoint. */
  readonly certificate?: Certificate
}

/** An address nobody can listen on; told without a stack. */
export class BadAddress extends Error {
  override readonly name = 'BadAddress'
}

const form = 'http://HOST:PORT, https://HOST:PORT, uwsgi://HOST:PORT, http:/PATH, uwsgi:/PATH or http:systemd:N'

/** Reads an address with its protocol. Throws `BadAddress`. */
export function parseEndpoint(text: string): Endpoint {
  const [, protocol, rest] = /^(http|https|uwsgi):(.+)$/.exec(text) ?? []
  if (!protocol || !rest) throw new BadAddress(`${text} is no address to listen on: write ${form}`)
  return { protocol: protocol as Protocol, address: parseAddress(rest.replace(/^\/\/(?!\/)/, '')) }
}

/** Reads `HOST:PORT`, `:PORT`, `PORT`, `/path`, `@name` or `systemd:N`. Throws `BadAddress`. */
export function parseAddress(text: string): Address {
  if (text.startsWith('/') || text.startsWith('@')) return unixAddress(text.replace(/^\/\/+/, '/'))
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length).replace(/^\/\/+/, '/'))
  const [, index] = /^systemd:(\d{1,3})$/.exec(text) ?? []
  if (index) return { kind: 'systemd', index: Number(index) }
  const [, host = '', port = ''] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? []
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (port === '' || Number(port) > 65535) throw new BadAddress(`${text} is no address to listen on: write ${form}`)
  if (bare === '' || bare === '*') return { kind: 'tcp', host: '0.0.0.0', port: Number(port) }
  if (bare === 'localhost') return { kind: 'tcp', host: '127.0.0.1', port: Number(port) }
  if (isIP(bare) === 0) throw new BadAddress(`${bare} is no IP address: a host listens on addresses, not on names`)
  return { kind: 'tcp', host: bare, port: Number(port) }
}

/** The kernel's limit, with the zero at the end. */
const longestPath = 107

function unixAddress(path: string): Address {
  if (Buffer.byteLength(path) > longestPath)
    throw new BadAddress(`${path} is longer than the ${longestPath} bytes that a UNIX socket's path may have`)
  return { kind: 'unix', path }
}

/** The same from any directory, for a process that leaves the one it was started in. Throws `BadAddress`. */
export const absoluteAddress = (address: Address): Address =>
  address.kind === 'unix' && !address.path.startsWith('@') ? unixAddress(resolve(address.path)) : address

/** For logs and errors. */
export function addressText(address: Address): string {
  if (address.kind === 'unix') return address.path
  if (address.kind === 'systemd') return `systemd:${address.index}`
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

export const endpointText = ({ protocol, address }: Endpoint): string =>
  address.kind === 'tcp' ? `${protocol}://${addressText(address)}` : `${protocol}:${addressText(address)}`
