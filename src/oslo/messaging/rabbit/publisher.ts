/** Publishes with confirms: what the broker has not confirmed is sent again on the next connection, what reaches no queue is tried until its time is over. */
import type { ChannelModel, ConfirmChannel, Message, Options } from 'amqplib'
import type { Outgoing } from '../driver.ts'
import { MessageDeliveryFailure } from '../errors.ts'
import { maxBodyBytes } from '../local/frames.ts'
import type { Link } from './link.ts'
import { declareBoundQueue, declareExchange, type Route } from './topology.ts'

export interface Publisher {
  publish(route: Route, message: Outgoing): Promise<void>
  /** Whether anything waits. */
  busy(): boolean
  onOpen(connection: ChannelModel): void
  onLost(): void
  /** Rejects what waits. */
  close(): void
}

export interface PublisherOptions {
  readonly link: Pick<Link, 'wake' | 'connection' | 'trouble'>
  readonly publishTimeoutMs: number
  readonly maxUnconfirmed: number
  /** Of a body, and the headers that say so. */
  readonly encode: (body: Buffer) => { content: Buffer; headers: Record<string, unknown> }
  readonly report: (error: unknown) => void
}

interface Waiting {
  readonly route: Route
  readonly content: Buffer
  readonly options: Options.Publish
  /** When it is of no use any more. */
  readonly expiresAt: number
  sent: boolean
  readonly timer: NodeJS.Timeout
  /** The broker gave it back: no queue took it. */
  returned: boolean
  /** Why it is not done yet, where that is known. */
  why: string | undefined
  settle(error?: Error): void
}

/** How soon something that no queue took, or that the broker could not keep, is tried again. */
const againMs = 250

export function publisher({ link, publishTimeoutMs, maxUnconfirmed, encode, report }: PublisherOptions): Publisher {
  const waiting = new Set<Waiting>()
  let channel: ConfirmChannel | undefined
  /** What was declared on this connection, by name; a promise while it is being done. */
  let declared = new Map<string, Promise<unknown> | true>()
  let closed = false

  async function onOpen(connection: ChannelModel): Promise<void> {
    declared = new Map()
    await openChannel(connection)
  }

  async function openChannel(connection: ChannelModel): Promise<void> {
    try {
      const made = await connection.createConfirmChannel()
      if (connection !== link.connection()) return
      made.on('error', (error) => report(error))
      made.on('return', onReturn)
      made.on('close', () => made === channel && onChannelClosed(connection))
      channel = made
      for (const each of waiting) void send(each)
    } catch (error) {
      if (closed || connection !== link.connection()) return
      report(error)
      reopen(connection)
    }
  }

  const reopen = (connection: ChannelModel) => setTimeout(() => connection === link.connection() && void openChannel(connection), againMs)

  /** The broker closes a channel on which something is asked that it cannot do, such as publishing to an exchange that has gone meanwhile. */
  function onChannelClosed(connection: ChannelModel): void {
    channel = undefined
    if (closed || connection !== link.connection()) return
    declared = new Map()
    reopen(connection)
  }

  function onReturn({ content, fields }: Message): void {
    // what comes back says not which message it is, but its body holds an id
    for (const each of waiting) if (each.route.key === fields.routingKey && each.content.equals(content)) each.returned = true
  }

  async function send(each: Waiting): Promise<void> {
    const through = channel
    if (!through) return link.wake()
    const { route } = each
    if (route.exchange && declared.get(nameOf(route)) !== true) {
      try {
        await declare(route)
      } catch (error) {
        each.why = (error as Error).message
        return again(each, through)
      }
      if (through !== channel || !waiting.has(each)) return
    }
    each.returned = false
    // an exception, too: the channel may be on its way down
    try {
      through.publish(route.exchange?.name ?? '', route.key, each.content, optionsOf(each), (error) => onConfirm(each, through, error))
      each.sent = true
    } catch {
      again(each, through)
    }
  }

  function onConfirm(each: Waiting, through: ConfirmChannel, error: unknown): void {
    // of a channel that is gone: it is sent again on the next
    if (through !== channel) return
    if (!error && !each.returned) {
      each.settle()
      return
    }
    each.why = error ? 'the broker could not take it' : `no queue takes messages for ${each.route.key}`
    again(each, through)
  }

  function again(each: Waiting, through: ConfirmChannel): void {
    setTimeout(() => through === channel && waiting.has(each) && void send(each), againMs)
  }

  function declare(route: Route): Promise<unknown> {
    const name = nameOf(route)
    const known = declared.get(name)
    if (known && known !== true) return known
    const into = declared
    const work = declareAll(link.connection()!, route)
    into.set(name, work)
    work.then(
      () => into.set(name, true),
      () => into.delete(name),
    )
    return work
  }

  const unanswered = (each: Waiting, timeoutMs: number): string => {
    const why = each.why ?? (link.connection() ? 'it was not confirmed' : link.trouble() || 'there is no connection')
    return `the broker did not take a message within ${timeoutMs} ms: ${why}`
  }

  function reasonToRefuse(bytes: number): string | undefined {
    if (closed) return 'the driver is closed'
    if (bytes > maxBodyBytes) return `${bytes} bytes are more than a message may have`
    if (waiting.size >= maxUnconfirmed) return `${waiting.size} messages wait to be confirmed`
    return undefined
  }

  return {
    onOpen,
    onLost() {
      channel = undefined
    },
    busy: () => waiting.size > 0,
    publish: (route, { body, expiresMs, timeoutMs = publishTimeoutMs }) =>
      new Promise((resolve, reject) => {
        const bytes = Buffer.from(body)
        const refusal = reasonToRefuse(bytes.length)
        if (refusal) return reject(new MessageDeliveryFailure(`refused: ${refusal}`))
        const { content, headers } = encode(bytes)
        const each: Waiting = {
          route,
          content,
          options: {
            ...properties,
            headers,
            mandatory: route.mandatory,
            ...(expiresMs === undefined ? {} : { expiration: String(expiresMs) }),
          },
          expiresAt: performance.now() + (expiresMs ?? Number.POSITIVE_INFINITY),
          sent: false,
          timer: setTimeout(() => each.settle(new MessageDeliveryFailure(unanswered(each, timeoutMs))), timeoutMs),
          returned: false,
          why: undefined,
          settle(error) {
            clearTimeout(each.timer)
            if (!waiting.delete(each)) return
            if (error) reject(error)
            else resolve()
          },
        }
        waiting.add(each)
        void send(each)
      }),
    close() {
      closed = true
      const gaveUp = new MessageDeliveryFailure('the driver was closed')
      for (const each of [...waiting]) each.settle(gaveUp)
    },
  }
}

/** As kombu writes them. */
const properties = { contentType: 'application/json', contentEncoding: 'utf-8', deliveryMode: 2, priority: 0 } as const

/** One that is sent again has only what is left of its time. */
const optionsOf = ({ options, expiresAt, sent }: Waiting): Options.Publish =>
  sent && options.expiration !== undefined
    ? { ...options, expiration: String(Math.max(1, Math.round(expiresAt - performance.now()))) }
    : options

const nameOf = ({ exchange, queue }: Route): string => `${exchange!.name} ${queue?.name ?? ''}`

async function declareAll(connection: ChannelModel, { exchange, queue, key }: Route): Promise<void> {
  await declareExchange(connection, exchange!)
  if (queue) await declareBoundQueue(connection, queue, exchange!, key)
}
