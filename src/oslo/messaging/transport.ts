/** A driver for a `transport_url`. */
import { settings } from '../config/settings.ts'
import type { Sources } from '../config/sources.ts'
import type { Driver } from './driver.ts'
import { InvalidTransportUrl } from './errors.ts'
import { localDriver } from './local/driver.ts'
import { memoryDriver } from './local/in-process.ts'
import { rabbitDriver } from './rabbit/driver.ts'
import { type RabbitSettings, rabbitOptions } from './rabbit/options.ts'
import { parseTransportUrl, redactTransportUrl } from './transport-url.ts'

export interface TransportOptions {
  /** Told when connections are lost. */
  readonly report?: (error: unknown) => void
  /** `control_exchange`. */
  readonly exchange?: string
  /** [oslo_messaging_rabbit]; what the URL says after its `?` wins. The defaults when absent. */
  readonly rabbit?: (inUrl: Readonly<Record<string, string>>) => RabbitSettings
}

/** Opens nothing yet: drivers connect at their first use. Throws an `InvalidTransportUrl`. */
export function openTransport(url: string, { rabbit = defaults, exchange, ...options }: TransportOptions = {}): Driver {
  const parsed = parseTransportUrl(url)
  switch (parsed.scheme) {
    case 'local': {
      if (!parsed.virtualHost || parsed.hosts.length > 0)
        throw new InvalidTransportUrl(
          `${redactTransportUrl(url)}: local wants the path of a socket, such as local:///run/nova/messages.sock`,
        )
      return localDriver({ socketPath: `/${parsed.virtualHost}`, ...options })
    }
    case 'memory':
      return memoryDriver()
    // oslo.messaging's names for one driver
    case 'rabbit':
    case 'kombu':
      return rabbitDriver({ url: parsed, settings: rabbit(parsed.query), ...(exchange === undefined ? {} : { exchange }), ...options })
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
