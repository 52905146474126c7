/**
 * The queues of the local transport: takes messages in, writes durable ones down before they are confirmed, hands them out in turn and takes back
 * what a consumer left unacknowledged. It knows no sockets: `listen.ts` and `in-process.ts` attach to it.
 */
import { type Address, queueName } from '../driver.ts'
import { recentIds } from '../recent-ids.ts'
import { type Fifo, fifo } from './fifo.ts'
import type { Journal, JournalEntry } from './journal.ts'

export interface BrokerMessage {
  readonly id: string
  readonly body: Buffer
  readonly durable: boolean
  readonly expiresMs?: number
}

/** `delivery` is what the consumer acknowledges. */
export type Deliver = (delivery: number, body: Buffer, redelivered: boolean) => void

/** One client of the broker. */
export interface Session {
  /** `done` is told when the message is safe, or why it was refused. */
  publish(to: Address, message: BrokerMessage, done: (refusal?: string) => void): void
  /** `tag` is the client's name for this consumer. */
  consume(tag: number, from: Address, prefetch: number, deliver: Deliver): void
  cancel(tag: number): void
  acknowledge(tag: number, deliveries: readonly number[]): void
  /** What is unacknowledged goes back to the front of its queue. */
  close(): void
}

export interface BrokerOptions {
  /** Without one, durable messages live as long as the broker. */
  readonly journal?: Journal
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Most messages waiting in one queue; more are refused. */
  readonly maxQueued?: number
  /** Most bytes waiting in all of them; more are refused. */
  readonly maxBytes?: number
  /** Told when the journal fails. */
  readonly report?: (error: unknown) => void
}

export interface Broker {
  attach(): Session
  /** Messages held, waiting and unacknowledged. */
  readonly size: number
  /** Writes what is pending and closes the journal. */
  close(): void
}

interface Held {
  readonly id: string
  readonly queue: string
  readonly body: Buffer
  /** In the journal; undefined for messages that are not durable. */
  readonly place: number | undefined
  readonly expiresAt: number
  redelivered: boolean
}

interface Queue {
  readonly name: string
  readonly ready: Fifo<Held>
  readonly consumers: Consumer[]
  /** Whose turn it is. */
  turn: number
}

interface Consumer {
  readonly queue: Queue
  /** Of a fan-out; undefined where the queue is shared. */
  readonly topic: string | undefined
  readonly prefetch: number
  readonly deliver: Deliver
  readonly unacknowledged: Map<number, Held>
  deliveries: number
  cancelled: boolean
}

/** Something that came in and waits for the next write of the journal. */
interface Pending {
  readonly entry?: JournalEntry
  readonly message?: { to: Address; held: Held }
  readonly done: (refusal?: string) => void
}

const sweepEveryMs = 5_000
const retryJournalMs = 500

export function createBroker(options: BrokerOptions = {}): Broker {
  const { journal, now = Date.now, maxQueued = 200_000, maxBytes = 1024 ** 3, report = () => {} } = options
  const queues = new Map<string, Queue>()
  const fanouts = new Map<string, Set<Consumer>>()
  const seen = recentIds(65_536)
  let pending: Pending[] = []
  let removed: number[] = []
  let flushing: NodeJS.Immediate | NodeJS.Timeout | undefined
  let place = 0
  let held = 0
  let bytes = 0
  let closed = false

  for (const { id, queue, body, place: at } of journal?.load() ?? []) {
    place = at
    seen.add(id)
    push(queueOf(queue), { id, queue, body, place: at, expiresAt: Number.POSITIVE_INFINITY, redelivered: true })
  }
  const sweeper = setInterval(sweep, sweepEveryMs)
  sweeper.unref()

  function queueOf(name: string): Queue {
    let queue = queues.get(name)
    if (!queue) queues.set(name, (queue = newQueue(name)))
    return queue
  }

  function push(queue: Queue, message: Held): void {
    held++
    bytes += message.body.length
    queue.ready.push(message)
  }

  function drop(message: Held): void {
    held--
    bytes -= message.body.length
    if (message.place === undefined) return
    removed.push(message.place)
    flushSoon()
  }

  function publish(to: Address, message: BrokerMessage, done: (refusal?: string) => void): void {
    const name = queueName(to)
    const again = !seen.add(message.id)
    const refusal = again ? undefined : reasonToRefuse(to, name, message)
    if (refusal) {
      seen.forget(message.id)
      done(refusal)
      return
    }
    const item = again ? { done } : accepted(to, name, message, done)
    // behind what waits for the journal, so that messages of one sender keep their order
    if (!item.entry && pending.length === 0) finish(item)
    else {
      pending.push(item)
      flushSoon()
    }
  }

  function reasonToRefuse(to: Address, name: string, { body }: BrokerMessage): string | undefined {
    if (closed) return 'the broker is closed'
    if (bytes + body.length > maxBytes) return `the broker holds ${bytes} bytes already`
    if (to.kind !== 'fanout' && (queues.get(name)?.ready.length ?? 0) + pending.length >= maxQueued) return `the queue ${name} is full`
    return undefined
  }

  function accepted(to: Address, queue: string, { id, body, durable, expiresMs }: BrokerMessage, done: Pending['done']): Pending {
    const written = durable && to.kind === 'topic' && journal !== undefined
    const at = written ? ++place : undefined
    const message = {
      to,
      held: { id, queue, body, place: at, expiresAt: now() + (expiresMs ?? Number.POSITIVE_INFINITY), redelivered: false },
    }
    return at === undefined ? { message, done } : { message, done, entry: { place: at, id, queue, body } }
  }

  function flushSoon(): void {
    if (!closed) flushing ??= setImmediate(flush)
  }

  /** One transaction for all that came in during this turn of the loop. */
  function flush(): void {
    clearImmediate(flushing as NodeJS.Immediate | undefined)
    clearTimeout(flushing as NodeJS.Timeout | undefined)
    flushing = undefined
    const batch = pending
    const gone = removed
    pending = []
    removed = []
    const added = batch.flatMap(({ entry }) => (entry ? [entry] : []))
    try {
      if (added.length > 0 || gone.length > 0) journal?.write(added, gone)
    } catch (error) {
      report(error)
      removed = [...gone, ...removed]
      flushing = setTimeout(flush, retryJournalMs).unref()
      for (const { message, done } of batch) {
        if (message) seen.forget(message.held.id)
        done('the journal of the broker cannot be written')
      }
      return
    }
    for (const item of batch) finish(item)
  }

  function finish({ message, done }: Pending): void {
    done()
    if (!message) return
    if (message.to.kind === 'fanout') {
      for (const consumer of fanouts.get(message.to.topic) ?? []) {
        if (consumer.queue.ready.length >= maxQueued) continue
        push(consumer.queue, { ...message.held })
        pump(consumer.queue)
      }
      return
    }
    const queue = queueOf(message.held.queue)
    push(queue, message.held)
    pump(queue)
  }

  /** Hands out what waits to whoever has room, in turn. */
  function pump(queue: Queue): void {
    while (queue.ready.length > 0) {
      const consumer = nextWithRoom(queue)
      if (!consumer) return
      const message = queue.ready.shift()!
      if (message.expiresAt <= now()) {
        drop(message)
        continue
      }
      const delivery = ++consumer.deliveries
      consumer.unacknowledged.set(delivery, message)
      consumer.deliver(delivery, message.body, message.redelivered)
    }
  }

  function acknowledge(consumer: Consumer, deliveries: readonly number[]): void {
    for (const delivery of deliveries) {
      const message = consumer.unacknowledged.get(delivery)
      if (!message) continue
      consumer.unacknowledged.delete(delivery)
      drop(message)
    }
    pump(consumer.queue)
  }

  function addConsumer(from: Address, prefetch: number, deliver: Deliver): Consumer {
    const name = queueName(from)
    // a fan-out has a queue for each who listens
    const topic = from.kind === 'fanout' ? from.topic : undefined
    const queue = topic === undefined ? queueOf(name) : newQueue(name)
    const consumer: Consumer = { queue, topic, prefetch, deliver, unacknowledged: new Map(), deliveries: 0, cancelled: false }
    queue.consumers.push(consumer)
    if (topic !== undefined) fanouts.set(topic, (fanouts.get(topic) ?? new Set()).add(consumer))
    pump(queue)
    return consumer
  }

  function cancel(consumer: Consumer): void {
    if (consumer.cancelled) return
    consumer.cancelled = true
    const { queue, topic } = consumer
    queue.consumers.splice(queue.consumers.indexOf(consumer), 1)
    if (topic === undefined) return
    fanouts.get(topic)?.delete(consumer)
    if (fanouts.get(topic)?.size === 0) fanouts.delete(topic)
    while (queue.ready.length > 0) drop(queue.ready.shift()!)
  }

  function giveBack(consumer: Consumer): void {
    cancel(consumer)
    const left = [...consumer.unacknowledged.values()]
    consumer.unacknowledged.clear()
    if (consumer.topic !== undefined) {
      for (const message of left) drop(message)
      return
    }
    for (const message of left) message.redelivered = true
    // looked up anew: while nothing waited in it, the queue may have been swept away
    const queue = queueOf(consumer.queue.name)
    queue.ready.unshift(left)
    pump(queue)
  }

  /** Queues that nobody uses and messages that nobody took in time. */
  function sweep(): void {
    const at = now()
    for (const queue of queues.values()) {
      for (const message of queue.ready.extract(({ expiresAt }) => expiresAt <= at)) drop(message)
      if (queue.consumers.length === 0 && queue.ready.length === 0) queues.delete(queue.name)
    }
  }

  return {
    get size() {
      return held + pending.length
    },
    attach() {
      const consumers = new Map<number, Consumer>()
      return {
        publish,
        consume: (tag, from, prefetch, deliver) => void consumers.set(tag, addConsumer(from, prefetch, deliver)),
        cancel(tag) {
          const consumer = consumers.get(tag)
          if (consumer) cancel(consumer)
        },
        acknowledge(tag, deliveries) {
          const consumer = consumers.get(tag)
          if (consumer) acknowledge(consumer, deliveries)
        },
        close() {
          for (const consumer of consumers.values()) giveBack(consumer)
          consumers.clear()
        },
      }
    },
    close() {
      if (closed) return
      closed = true
      clearInterval(sweeper)
      flush()
      journal?.close()
    },
  }
}

const newQueue = (name: string): Queue => ({ name, ready: fifo(), consumers: [], turn: 0 })

function nextWithRoom(queue: Queue): Consumer | undefined {
  const { consumers } = queue
  for (let i = 0; i < consumers.length; i++) {
    const consumer = consumers[(queue.turn + i) % consumers.length]!
    if (consumer.unacknowledged.size >= consumer.prefetch) continue
    queue.turn = (queue.turn + i + 1) % consumers.length
    return consumer
  }
  return undefined
}
