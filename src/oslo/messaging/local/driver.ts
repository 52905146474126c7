/** The client of a broker on a local socket: reconnects by itself, sends again what was not confirmed, listens again where it listened. */
import { connect, type Socket } from 'node:net'
import type { Address, Consumption, Driver, Incoming, Outgoing } from '../driver.ts'
import { MessageDeliveryFailure } from '../errors.ts'
import { encodeFrame, frameReader, maxBodyBytes } from './frames.ts'
import { type Notice, protocolVersion, type Request } from './protocol.ts'

export interface LocalDriverOptions {
  readonly socketPath: string
  /** How long a message is tried. */
  readonly publishTimeoutMs?: number
  /** Most messages sent and not yet confirmed; more are refused at once. */
  readonly maxUnconfirmed?: number
  /** Told when the connection is lost, or what is behind the socket is no broker. */
  readonly report?: (error: unknown) => void
}

interface Unconfirmed {
  readonly frame: Buffer
  readonly timer: NodeJS.Timeout
  settle(error?: Error): void
}

interface Consumer {
  readonly tag: number
  readonly from: Address
  readonly prefetch: number
  readonly deliver: (message: Incoming) => void
  /** Acknowledged in this turn of the loop. */
  acknowledged: number[]
  started: () => void
  failed: (error: Error) => void
  cancelled: (() => void) | undefined
}

const firstRetryMs = 20
const lastRetryMs = 1_000

/** Connects at the first use. */
export function localDriver(options: LocalDriverOptions): Driver {
  const { socketPath, publishTimeoutMs = 10_000, maxUnconfirmed = 50_000, report = () => {} } = options
  const unconfirmed = new Map<number, Unconfirmed>()
  const consumers = new Map<number, Consumer>()
  let socket: Socket | undefined
  /** The broker has said hello. */
  let ready = false
  let corked = false
  let retryMs = firstRetryMs
  let retry: NodeJS.Timeout | undefined
  let trouble = ''
  let counter = 0
  let closed = false

  function open(): void {
    if (socket || retry || closed) return
    const mine = connect(socketPath)
    socket = mine
    const read = frameReader<Notice>(onNotice)
    mine.on('data', (chunk) => {
      try {
        if (mine === socket) read(chunk)
      } catch (error) {
        mine.destroy(error as Error)
      }
    })
    mine.on('error', (error) => {
      trouble = error.message
      if (ready) report(error)
    })
    mine.on('close', () => mine === socket && onClose())
  }

  function onClose(): void {
    if (ready) report(new Error(`the connection to ${socketPath} was lost`))
    socket = undefined
    ready = false
    corked = false
    for (const consumer of consumers.values()) {
      consumer.acknowledged = []
      consumer.cancelled?.()
      if (consumer.cancelled) consumers.delete(consumer.tag)
    }
    if (closed || (unconfirmed.size === 0 && consumers.size === 0)) return
    retry = setTimeout(() => {
      retry = undefined
      open()
    }, retryMs)
    retryMs = Math.min(retryMs * 2, lastRetryMs)
  }

  function onNotice(notice: Notice, body: Buffer): void {
    switch (notice.op) {
      case 'hello':
        onHello(notice.protocol)
        break
      case 'confirm':
        for (const seq of notice.seqs) unconfirmed.get(seq)?.settle()
        break
      case 'refuse':
        unconfirmed.get(notice.seq)?.settle(new MessageDeliveryFailure(`refused: ${notice.reason}`))
        break
      case 'done':
        onDone(notice.tag, notice.what)
        break
      case 'deliver':
        onDeliver(notice.tag, notice.delivery, notice.redelivered, body)
        break
    }
  }

  function onHello(protocol: number): void {
    if (protocol !== protocolVersion) throw new Error(`the broker at ${socketPath} speaks version ${protocol}, not ${protocolVersion}`)
    ready = true
    retryMs = firstRetryMs
    // listening first: an answer may come to what is sent after
    for (const consumer of consumers.values()) sendConsume(consumer)
    for (const { frame } of unconfirmed.values()) write(frame)
  }

  function onDone(tag: number, what: 'consume' | 'cancel'): void {
    const consumer = consumers.get(tag)
    if (what === 'consume') consumer?.started()
    else consumer?.cancelled?.()
  }

  function onDeliver(tag: number, delivery: number, redelivered: boolean, body: Buffer): void {
    const consumer = consumers.get(tag)
    if (!consumer) return
    const through = socket
    const acknowledge = () => {
      // of an earlier connection: the broker has taken it back already
      if (through !== socket || !ready) return
      if (consumer.acknowledged.push(delivery) === 1) queueMicrotask(() => sendAcknowledged(consumer))
    }
    consumer.deliver({ body: body.toString(), redelivered, acknowledge })
  }

  function sendAcknowledged(consumer: Consumer): void {
    const deliveries = consumer.acknowledged
    consumer.acknowledged = []
    if (deliveries.length > 0 && ready) write(encodeFrame({ op: 'acknowledge', tag: consumer.tag, deliveries } satisfies Request))
  }

  const sendConsume = ({ tag, from, prefetch }: Consumer) => write(encodeFrame({ op: 'consume', tag, from, prefetch } satisfies Request))

  /** All that is written in one turn of the loop goes out together. */
  function write(frame: Buffer): void {
    const through = socket!
    if (!corked) {
      corked = true
      through.cork()
      queueMicrotask(() => {
        through.uncork()
        if (through === socket) corked = false
      })
    }
    through.write(frame)
  }

  function publish(to: Address, { id, body, durable, expiresMs, timeoutMs = publishTimeoutMs }: Outgoing): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = Buffer.from(body)
      const refusal = reasonToRefuse(bytes)
      if (refusal) return reject(new MessageDeliveryFailure(`refused: ${refusal}`))
      const seq = ++counter
      const head: Request = { op: 'publish', seq, to, id, durable, ...(expiresMs === undefined ? {} : { expiresMs }) }
      const entry: Unconfirmed = {
        frame: encodeFrame(head, bytes),
        timer: setTimeout(() => entry.settle(new MessageDeliveryFailure(unanswered(timeoutMs))), timeoutMs),
        settle(error) {
          clearTimeout(entry.timer)
          unconfirmed.delete(seq)
          if (error) reject(error)
          else resolve()
        },
      }
      unconfirmed.set(seq, entry)
      if (ready) write(entry.frame)
      else open()
    })
  }

  function reasonToRefuse(bytes: Buffer): string | undefined {
    if (closed) return 'the driver is closed'
    if (bytes.length > maxBodyBytes) return `${bytes.length} bytes are more than a message may have`
    if (unconfirmed.size >= maxUnconfirmed) return `${unconfirmed.size} messages wait to be confirmed`
    return undefined
  }

  const unanswered = (timeoutMs: number) =>
    ready
      ? `the broker at ${socketPath} did not confirm a message within ${timeoutMs} ms`
      : `no broker at ${socketPath} within ${timeoutMs} ms${trouble && `: ${trouble}`}`

  function consume(from: Address, prefetch: number, deliver: (message: Incoming) => void): Promise<Consumption> {
    if (closed) return Promise.reject(new MessageDeliveryFailure('the driver is closed'))
    const tag = ++counter
    return new Promise((resolve, failed) => {
      const started = () => resolve({ cancel: () => cancel(consumer) })
      const consumer: Consumer = { tag, from, prefetch, deliver, started, failed, acknowledged: [], cancelled: undefined }
      consumers.set(tag, consumer)
      if (ready) sendConsume(consumer)
      else open()
    })
  }

  function cancel(consumer: Consumer): Promise<void> {
    return new Promise((resolve) => {
      // a broker that hangs holds nobody up who wants to leave
      const impatience = setTimeout(resolve, lastRetryMs)
      consumer.cancelled = () => {
        clearTimeout(impatience)
        resolve()
      }
      if (ready) return write(encodeFrame({ op: 'cancel', tag: consumer.tag } satisfies Request))
      consumers.delete(consumer.tag)
      consumer.cancelled()
    })
  }

  return {
    publish,
    consume,
    async close() {
      if (closed) return
      for (const consumer of consumers.values()) sendAcknowledged(consumer)
      closed = true
      clearTimeout(retry)
      const gaveUp = new MessageDeliveryFailure('the driver was closed')
      for (const entry of [...unconfirmed.values()]) entry.settle(gaveUp)
      // those that have started are settled already
      for (const consumer of consumers.values()) consumer.failed(gaveUp)
      const last = socket
      if (!last) return
      const gone = new Promise((resolve) => last.once('close', resolve))
      if (ready) last.end()
      else last.destroy()
      const impatience = setTimeout(() => last.destroy(), 1_000)
      await gone
      clearTimeout(impatience)
    },
  }
}
