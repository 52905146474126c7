/** Which brokers a `transport_url` names, and how to speak to them. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { checkServerIdentity, type SecureVersion } from 'node:tls'
import type { Options, SocketOptions } from 'amqplib'
import type { TransportUrl } from '../transport-url.ts'
import type { RabbitSettings } from './options.ts'

export interface Broker {
  readonly hostname: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly virtualHost: string
}

/** In the order of the URL. Without a host: this machine, as oslo.messaging has it. */
export function brokersOf({ hosts, virtualHost }: TransportUrl): Broker[] {
  const named = hosts.length > 0 ? hosts : [{ hostname: '', port: null, username: null, password: null }]
  return named.map(({ hostname, port, username, password }) => ({
    hostname: hostname || 'localhost',
    port: port ?? 5672,
    username: username ?? 'guest',
    password: password ?? 'guest',
    virtualHost: virtualHost || '/',
  }))
}

export const shownBroker = ({ hostname, port }: Broker): string =>
  hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`

/** What amqplib wants to know; certificates are read each time, so that renewed ones count. */
export function connectOptions(
  { hostname, port, username, password, virtualHost }: Broker,
  settings: RabbitSettings,
): [Options.Connect, Omit<SocketOptions, 'credentials'>] {
  const heartbeat = Math.max(0, settings.heartbeatTimeoutThreshold)
  return [
    // the virtual host is unescaped once more by amqplib
    { protocol: settings.ssl ? 'amqps' : 'amqp', hostname, port, username, password, vhost: encodeURIComponent(virtualHost), heartbeat },
    settings.ssl ? tlsOptions(settings) : {},
  ]
}

/** The name under which the broker lists a connection: program, process and what it is for. */
export const connectionName = (purpose: string, pid = process.pid): string =>
  `nova-ts ${basename(process.argv[1] ?? 'node')}:${pid}:${purpose}`

const versions: Readonly<Record<string, SecureVersion>> = { tlsv1: 'TLSv1', tlsv1_1: 'TLSv1.1', tlsv1_2: 'TLSv1.2', tlsv1_3: 'TLSv1.3' }

function tlsOptions(settings: RabbitSettings): Record<string, unknown> {
  const version = versions[settings.sslVersion.toLowerCase()]
  return {
    ...(version ? { minVersion: version, maxVersion: version } : {}),
    ...(settings.sslKeyFile ? { key: readFileSync(settings.sslKeyFile) } : {}),
    ...(settings.sslCertFile ? { cert: readFileSync(settings.sslCertFile) } : {}),
    // oslo_messaging/_drivers/impl_rabbit.py _fetch_ssl_params: without ssl_ca_file nothing is verified
    ...(settings.sslCaFile ? { ca: readFileSync(settings.sslCaFile), rejectUnauthorized: true } : { rejectUnauthorized: false }),
    checkServerIdentity: settings.sslEnforceHostnameVerification ? checkServerIdentity : () => undefined,
  }
}
