/** A driver for a `transport_url`. */
import type { Driver } from './driver.ts'
import { InvalidTransportUrl } from './errors.ts'
import { localDriver } from './local/driver.ts'
import { memoryDriver } from './local/in-process.ts'
import { parseTransportUrl, redactTransportUrl } from './transport-url.ts'

export interface TransportOptions {
  /** Told when connections are lost. */
  readonly report?: (error: unknown) => void
}

/** Opens nothing yet: drivers connect at their first use. Throws an `InvalidTransportUrl`. */
export function openTransport(url: string, options: TransportOptions = {}): Driver {
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
    case 'rabbit':
      throw new InvalidTransportUrl(`${redactTransportUrl(url)}: the RabbitMQ driver is not built yet`)
    default:
      throw new InvalidTransportUrl(`${redactTransportUrl(url)}: there is no driver for ${parsed.scheme}; there are local and memory`)
  }
}
