/** Sends notifications: what happened, told to whoever may want to know (oslo_messaging/notify). Nobody waits for them, and one that is lost is only told to the log. */
import { ConfigError } from '../config/error.ts'
import { group, integer, list, multi, type Settings, text } from '../config/options.ts'
import type { RequestContext } from '../context.ts'
import type { Log } from '../log.ts'
import { maskPassword } from '../mask-password.ts'
import { contextToWire } from './context.ts'
import type { Driver } from './driver.ts'
import { seal } from './envelope.ts'
import { readRoutes } from './routing.ts'

export const notifierOptions = group('oslo_messaging_notifications', {
  driver: multi('driver', [], {
    help: 'Where notifications go: messagingv2, messaging, log, routing, noop or test; several may be said. Nowhere when unset.',
  }),
  transportUrl: text('transport_url', null, { help: 'Their broker; that of RPC when unset.', secret: true }),
  topics: list('topics', ['notifications'], { help: 'Their topics: each is a queue for every priority, such as notifications.info.' }),
  routingConfig: text('routing_config', null, { help: 'The file of the driver routing: which drivers get which notifications.' }),
  retry: integer('retry', -1, { min: -1, help: 'How often to try again to send one; -1 is until it is sent.' }),
})
export type NotifierSettings = Settings<typeof notifierOptions>

export type Priority = 'audit' | 'debug' | 'info' | 'warn' | 'error' | 'critical' | 'sample'

export interface Notification {
  /** `api.host1`, or `nova-api:host1` of versioned ones. */
  readonly publisher: string
  /** `keypair.create.start` */
  readonly event: string
  readonly priority: Priority
  readonly payload: object
}

export interface Notifier {
  /** Whether anybody would get them; without that no payload need be made. */
  readonly enabled: boolean
  /** Returns at once; they are sent one after the other. */
  notify(context: RequestContext, notification: Notification): void
  /** Resolves when those that wait are sent, or after a moment. */
  close(): Promise<void>
}

export interface NotifierParts {
  readonly settings: Pick<NotifierSettings, 'driver' | 'topics' | 'retry'> & Partial<Pick<NotifierSettings, 'routingConfig'>>
  /** The broker, opened at the first need. */
  readonly broker: () => Driver
  readonly log: (name: string) => Pick<Log, 'info' | 'warning' | 'error'>
  readonly clock: { now(): number }
  readonly ids: { uuid(): string }
  /** Where the driver `test` puts them. */
  readonly kept?: (message: NotificationMessage) => void
}

export interface NotificationMessage {
  readonly message_id: string
  readonly publisher_id: string
  readonly event_type: string
  readonly priority: string
  readonly payload: object
  readonly timestamp: string
}

type Send = (context: RequestContext, message: NotificationMessage, priority: Priority) => Promise<void> | void

/** More than these may not wait: a broker that is away for long must not fill the memory. */
const mostWaiting = 10_000

/** Throws a `ConfigError` for drivers that are not there. */
export function openNotifier(parts: NotifierParts): Notifier {
  const { settings, log, clock, ids } = parts
  let closed = false
  const sends = settings.driver.map((name) => senderOf(name, parts, () => closed)).filter((send) => send !== undefined)
  const complain = log('oslo.messaging.notification')
  let waiting = 0
  let last: Promise<void> = Promise.resolve()

  async function sendAll(context: RequestContext, message: NotificationMessage, priority: Priority): Promise<void> {
    for (const send of sends) {
      try {
        await send(context, message, priority)
      } catch (error) {
        complain.error(`The notification ${message.event_type} was not sent: ${error instanceof Error ? error.message : error}`)
      }
    }
    waiting--
  }

  return {
    enabled: sends.length > 0,
    notify(context, { publisher, event, priority, payload }) {
      if (sends.length === 0) return
      if (waiting >= mostWaiting) return complain.error(`The notification ${event} is lost: too many wait for the broker`)
      waiting++
      const message = {
        message_id: ids.uuid(),
        publisher_id: publisher,
        event_type: event,
        priority: priority.toUpperCase(),
        payload,
        timestamp: timestampOf(clock.now()),
      }
      last = last.then(() => sendAll(context, message, priority))
    },
    async close() {
      await within(last, closingMs)
      closed = true
    },
  }
}

const closingMs = 2000

function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return Promise.race([work, bound]).finally(() => clearTimeout(timer))
}

/** Undefined for drivers that send nothing. */
function senderOf(name: string, parts: NotifierParts, closed: () => boolean): Send | undefined {
  switch (name) {
    case 'noop':
      return undefined
    case 'messaging':
      return messaging(parts, JSON.stringify, closed)
    case 'messagingv2':
      return messaging(parts, seal, closed)
    case 'log':
      return (_, message, priority) => {
        const level = priority === 'error' || priority === 'critical' ? 'error' : priority === 'warn' ? 'warning' : 'info'
        parts.log(`oslo.messaging.notification.${message.event_type}`)[level](maskPassword(JSON.stringify(message)))
      }
    case 'routing':
      return routing(parts, closed)
    case 'test':
      return (_, message) => parts.kept?.(message)
    default:
      throw new ConfigError(
        `[oslo_messaging_notifications] driver: there is no ${name}; there are messaging, messagingv2, log, routing, noop and test`,
      )
  }
}

function routing(parts: NotifierParts, closed: () => boolean): Send {
  const routes = readRoutes(parts.settings.routingConfig || null)
  // The file may not lead back here
  const named = routes.drivers.filter((name) => name !== 'routing').map((name) => [name, senderOf(name, parts, closed)] as const)
  const senders = new Map(named)
  return async (context, message, priority) => {
    for (const name of routes.driversFor(message.event_type, priority)) await senders.get(name)?.(context, message, priority)
  }
}

/** `form` makes text of a message: in its envelope, or as it is. */
function messaging(
  { settings, broker, ids }: NotifierParts,
  form: (message: Record<string, unknown>) => string,
  closed: () => boolean,
): Send {
  return async (context, message, priority) => {
    for (const topic of settings.topics) {
      const id = ids.uuid().replaceAll('-', '')
      const body = form({ ...message, _unique_id: id, ...safeContext(context) })
      const address = { kind: 'notification', topic: `${topic}.${priority}` } as const
      await persevere(settings.retry, closed, () => broker().publish(address, { id, body, durable: false }))
    }
  }
}

/** Without end for -1, but for the end of the notifier itself. */
async function persevere(retries: number, closed: () => boolean, send: () => Promise<void>): Promise<void> {
  for (let left = retries; ; left--) {
    try {
      return await send()
    } catch (error) {
      if (left === 0 || closed()) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

/** Neither tokens nor catalogues travel. oslo_messaging/notify/notifier.py _sanitize_context */
const safeContext = (context: RequestContext): Record<string, unknown> =>
  contextToWire({ ...context, token: null, serviceToken: null, catalog: [], remoteAddress: null })

/** As Python writes a time: `2026-11-22 20:30:00.123000`. */
const timestampOf = (now: number): string => new Date(now).toISOString().replace('T', ' ').replace('Z', '000')
