/** A driver for a `transport_url`. */
import { settings } from '../config/settings.ts'
import type { Sources } from '../config/sources.ts'
import type { Driver } from './driver.ts'
import { InvalidTransportUrl } from './errors.ts'
import { localDriver } from './local/driver.ts'
import { memoryDriver } from './local/in-process.ts'
import { rabbitDriver } from './rabbit/driver.ts'
import { type RabbitSettings, rabbitOptions } from './rabbit/options.ts'
import { parseTransportUrl, redactTransportUrl, type TransportUrl } from './transport-url.ts'

export interface TransportOptions {
  /** Told when connections are lost. */
  readonly report?: (error: unknown) => void
  /** `control_exchange`. */
  readonly exchange?: string
  /** [oslo_messaging_rabbit]; what the URL says after its `?` wins. The defaults when absent. */
  readonly rabbit?: (inUrl: Readonly<Record<string, string>>) => RabbitSettings
}

/** The driver that a `transport_url` names, and what it says to it. */
export type Transport =
  | { readonly driver: 'local'; readonly socketPath: string }
  | { readonly driver: 'memory' }
  | { readonly driver: 'rabbit'; readonly url: TransportUrl }

/** Opens nothing yet: drivers connect at their first use. Throws an `InvalidTransportUrl`, or a `ConfigError` for settings of rabbit. */
export function openTransport(url: string, { rabbit = defaults, exchange, ...options }: TransportOptions = {}): Driver {
  const transport = readTransport(url)
  switch (transport.driver) {
    case 'local':
      return localDriver({ socketPath: transport.socketPath, ...options })
    case 'memory':
      return memoryDriver()
    case 'rabbit': {
      const settings = rabbit(transport.url.query)
      return rabbitDriver({ url: transport.url, settings, ...(exchange === undefined ? {} : { exchange }), ...options })
    }
  }
}

/** Throws an `InvalidTransportUrl`. */
export function readTransport(url: string): Transport {
  const parsed = parseTransportUrl(url)
  switch (parsed.scheme) {
    case 'local': {
      if (!parsed.virtualHost || parsed.hosts.length > 0)
        throw new InvalidTransportUrl(
          `${redactTransportUrl(url)}: local wants the path of a socket, such as local:///run/nova/messages.sock`,
        )
      return { driver: 'local', socketPath: `/${parsed.virtualHost}` }
    }
    case 'memory':
      return { driver: 'memory' }
    // oslo.messaging's names for one driver
    case 'rabbit':
    case 'kombu':
      return { driver: 'rabbit', url: parsed }
    default:
      throw new InvalidTransportUrl(
        `${redactTransportUrl(url)}: there is no driver for ${parsed.scheme}; there are rabbit, local and memory`,
      )
  }
}

const unset: Sources = {
  files: [],
  groups: new Set(),
  notices: new Set(),
  find: () => [],
  declaration: () => undefined,
  reload: async () => unset,
}
const defaults = (values: Readonly<Record<string, string>>): RabbitSettings => settings(rabbitOptions, unset, { values })
