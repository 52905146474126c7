/**
 * oslo.messaging's RabbitMQ driver: one connection to publish and one to listen, each made at its first use, made again at the next broker when it is
 * lost. What is on the wire is what nova-conductor, nova-scheduler and nova-compute know.
 */
import { type Address, type Driver, type Outgoing, queueName } from '../driver.ts'
import type { TransportUrl } from '../transport-url.ts'
import { brokersOf } from './brokers.ts'
import { encode } from './compression.ts'
import { consumers } from './consumers.ts'
import { type Link, link } from './link.ts'
import { checkRabbitSettings, type RabbitSettings } from './options.ts'
import { ownNames } from './own-names.ts'
import { publisher } from './publisher.ts'
import { routeTo } from './topology.ts'

export interface RabbitDriverOptions {
  readonly url: TransportUrl
  readonly settings: RabbitSettings
  /** `control_exchange`. */
  readonly exchange?: string
  /** How long a message is tried. */
  readonly publishTimeoutMs?: number
  /** Most messages sent and not yet confirmed; more are refused at once. */
  readonly maxUnconfirmed?: number
  /** Where numbers of queues are held; for tests. */
  readonly namesIn?: string
  /** Told when brokers are lost and found, and of what they refuse. */
  readonly report?: (error: unknown) => void
}

/** Throws a `ConfigError` for settings that contradict each other. */
export function rabbitDriver(options: RabbitDriverOptions): Driver {
  const { url, exchange = 'nova', publishTimeoutMs = 10_000, maxUnconfirmed = 50_000, report = () => {} } = options
  const settings = checkRabbitSettings(options.settings)
  const brokers = brokersOf(url)
  const ownName = ownNames(settings, options.namesIn)
  const sending: Link = link({
    brokers,
    settings,
    report,
    purpose: 'publish',
    needed: () => outgoing.busy(),
    onOpen: (connection) => outgoing.onOpen(connection),
    onLost: () => outgoing.onLost(),
  })
  const outgoing = publisher({
    link: sending,
    publishTimeoutMs,
    maxUnconfirmed,
    report,
    encode: (body) => encode(body, settings.kombuCompression),
  })
  const listening: Link = link({
    brokers,
    settings,
    report,
    purpose: 'listen',
    needed: () => incoming.busy(),
    onOpen: (connection) => incoming.onOpen(connection),
    onLost: () => incoming.onLost(),
  })
  const incoming = consumers({ link: listening, settings, exchange, ownName, report })
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    outgoing.close()
    incoming.close()
    await Promise.all([sending.close(), listening.close()])
  }

  return {
    ownName,
    publish: (to: Address, message: Outgoing) => outgoing.publish(routeTo(to, { settings, exchange }), message),
    consume(from, prefetch, deliver) {
      if (from.kind === 'notification' || (from.kind === 'fanout' && settings.rabbitStreamFanout))
        return Promise.reject(new Error(`this driver does not listen on ${queueName(from)}`))
      return incoming.consume(from, prefetch, deliver)
    },
    close: () => (closing ??= close()),
  }
}
