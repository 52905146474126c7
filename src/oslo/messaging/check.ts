/** What nova.conf says of message brokers that no driver can do: for the start of a service, which would else notice it at its first message. */
import { ConfigError, type Place } from '../config/error.ts'
import { group, type Option, type OptionGroup } from '../config/options.ts'
import { settings } from '../config/settings.ts'
import type { Sources } from '../config/sources.ts'
import { InvalidTransportUrl } from './errors.ts'
import { notifierOptions } from './notifier.ts'
import { messagingOptions } from './options.ts'
import { rabbitOptions, wrongRabbitSettings } from './rabbit/options.ts'
import { readTransport } from './transport.ts'

type Broker = OptionGroup<{ transportUrl: Option<string> | Option<string | null> }>

// Only the address: what else stands in its group is checked where it is read
const rpc: Broker = group(messagingOptions.group, { transportUrl: messagingOptions.options.transportUrl })
const notifications: Broker = group(notifierOptions.group, { transportUrl: notifierOptions.options.transportUrl })
const notifiers = group(notifierOptions.group, { driver: notifierOptions.options.driver })

/** Those that send through a broker; a broker that is not spoken to may be any. */
const throughBroker: ReadonlySet<string> = new Set(['messaging', 'messagingv2', 'routing'])

/**
 * All there is against `transport_url`, that of notifications, and [oslo_messaging_rabbit], which are asked whatever the driver: cells have brokers of
 * their own. nova/rpc.py init makes its transports at the start too.
 */
export function* wrongMessaging(sources: Sources): Generator<ConfigError> {
  yield* wrongBroker(rpc, sources)
  const { driver } = settings(notifiers, sources)
  if (settings(notifications, sources).transportUrl !== null && driver.some((name) => throughBroker.has(name)))
    yield* wrongBroker(notifications, sources)
}

function* wrongBroker(broker: Broker, sources: Sources): Generator<ConfigError> {
  const place = placeOf(broker, 'transport_url', sources)
  let inUrl: Readonly<Record<string, string>> = {}
  try {
    const transport = readTransport(settings(broker, sources).transportUrl ?? '')
    if (transport.driver === 'rabbit') inUrl = transport.url.query
  } catch (error) {
    yield refusal(error, place, `[${broker.group}] transport_url`)
  }
  yield* wrongRabbit(sources, inUrl, place)
}

function* wrongRabbit(sources: Sources, values: Readonly<Record<string, string>>, place: Place | undefined): Generator<ConfigError> {
  try {
    for (const { name, why } of wrongRabbitSettings(settings(rabbitOptions, sources, { values, ...(place && { place }) }))) {
      const where = Object.hasOwn(values, name) ? place : placeOf(rabbitOptions, name, sources)
      yield new ConfigError(why, { place: where, option: `[${rabbitOptions.group}] ${name}` })
    }
  } catch (error) {
    yield refusal(error, place)
  }
}

function refusal(error: unknown, place: Place | undefined, option?: string): ConfigError {
  if (error instanceof ConfigError) return error
  if (error instanceof InvalidTransportUrl)
    return new ConfigError(error.message.replace(/^transport_url: /, ''), { place, option, cause: error })
  throw error
}

function placeOf(
  { group: name, options }: OptionGroup<Record<string, Option<unknown>>>,
  option: string,
  sources: Sources,
): Place | undefined {
  const declaration = Object.values(options).find((each) => each.name === option)
  return declaration && sources.find(name, declaration).at(-1)?.place
}
