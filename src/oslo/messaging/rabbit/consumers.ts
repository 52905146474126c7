/** Listens on queues, each through a channel of its own, and again on the next connection, or when the broker has cancelled it. */
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Address, Consumption, Incoming } from '../driver.ts'
import { MessageDeliveryFailure } from '../errors.ts'
import { decode } from './compression.ts'
import type { Link } from './link.ts'
import type { RabbitSettings } from './options.ts'
import { declareExchange, declareQueue, exchangeOf, queueOf } from './topology.ts'

export interface Consumers {
  consume(from: Address, prefetch: number, deliver: (message: Incoming) => void): Promise<Consumption>
  /** Whether anybody listens. */
  busy(): boolean
  onOpen(connection: ChannelModel): void
  onLost(): void
  close(): void
}

export interface ConsumersOptions {
  readonly link: Pick<Link, 'wake' | 'connection'>
  readonly settings: RabbitSettings
  /** `control_exchange`. */
  readonly exchange: string
  /** A name for a queue that only this listener has. */
  readonly ownName: () => string
  readonly report: (error: unknown) => void
}

interface Consumer {
  readonly from: Address
  readonly prefetch: number
  readonly own: string
  readonly deliver: (message: Incoming) => void
  readonly started: () => void
  readonly failed: (error: Error) => void
  channel: Channel | undefined
  tag: string
  /** Delivered through the channel and not acknowledged. */
  unacknowledged: number
  cancelled: boolean
}

export function consumers({ link, settings, exchange, ownName, report }: ConsumersOptions): Consumers {
  const all = new Set<Consumer>()
  let closed = false

  async function start(consumer: Consumer, connection: ChannelModel): Promise<void> {
    const gone = () => connection !== link.connection() || consumer.cancelled
    try {
      const declared = exchangeOf(consumer.from, { settings, exchange })
      if (declared) await declareExchange(connection, declared)
      if (gone()) return
      const channel = await connection.createChannel()
      channel.on('error', (error) => report(error))
      channel.on('close', () => onChannelClosed(consumer, channel, connection))
      if (gone()) return void channel.close().catch(() => {})
      consumer.channel = channel
      consumer.unacknowledged = 0
      await listen(consumer, channel)
      consumer.started()
    } catch (error) {
      if (gone()) return
      report(new Error(`cannot listen on ${queueOf(consumer.from, settings, consumer.own).name}: ${(error as Error).message}`))
      // a channel that was refused starts again when it is closed
      if (!consumer.channel) restart(consumer, connection)
    }
  }

  async function listen(consumer: Consumer, channel: Channel): Promise<void> {
    const queue = queueOf(consumer.from, settings, consumer.own)
    const bound = exchangeOf(consumer.from, { settings, exchange })
    await channel.prefetch(
      settings.rabbitQosPrefetchCount > 0 ? Math.min(settings.rabbitQosPrefetchCount, consumer.prefetch) : consumer.prefetch,
    )
    await declareQueue(channel, queue)
    if (bound) await channel.bindQueue(queue.name, bound.name, consumer.from.kind === 'fanout' ? consumer.from.topic : queue.name)
    const more = settings.enableCancelOnFailover ? { arguments: { 'x-cancel-on-ha-failover': true } } : {}
    const { consumerTag } = await channel.consume(queue.name, (message) => onMessage(consumer, channel, message), { noAck: false, ...more })
    consumer.tag = consumerTag
  }

  function onMessage(consumer: Consumer, channel: Channel, message: ConsumeMessage | null): void {
    // null: the queue was deleted, or moved
    if (!message) return void channel.close().catch(() => {})
    if (channel !== consumer.channel) return
    consumer.unacknowledged++
    let open = true
    const acknowledge = () => {
      // of an earlier channel: the broker has taken it back already
      if (!open || channel !== consumer.channel) return
      open = false
      consumer.unacknowledged--
      channel.ack(message)
      leave(consumer)
    }
    let body: string
    try {
      body = decode(message.content, message.properties.headers ?? {})
    } catch (error) {
      report(error)
      acknowledge()
      return
    }
    consumer.deliver({ body, redelivered: message.fields.redelivered, acknowledge })
  }

  function onChannelClosed(consumer: Consumer, channel: Channel, connection: ChannelModel): void {
    if (channel !== consumer.channel) return
    consumer.channel = undefined
    restart(consumer, connection)
  }

  function restart(consumer: Consumer, connection: ChannelModel): void {
    if (closed || consumer.cancelled) return
    const delayMs = Math.max(100, settings.kombuReconnectDelay * 1000)
    setTimeout(() => connection === link.connection() && void start(consumer, connection), delayMs)
  }

  async function cancel(consumer: Consumer): Promise<void> {
    consumer.cancelled = true
    all.delete(consumer)
    consumer.failed(new MessageDeliveryFailure('the listener was cancelled'))
    try {
      await consumer.channel?.cancel(consumer.tag)
    } catch {
      // the connection went meanwhile, and the consumer with it
    }
    leave(consumer)
  }

  /** Who cancelled needs its channel until all is acknowledged. */
  function leave(consumer: Consumer): void {
    if (!consumer.cancelled || consumer.unacknowledged > 0 || !consumer.channel) return
    const last = consumer.channel
    consumer.channel = undefined
    last.close().catch(() => {})
  }

  return {
    consume: (from, prefetch, deliver) =>
      new Promise((resolve, failed) => {
        if (closed) return failed(new MessageDeliveryFailure('the driver is closed'))
        const consumer: Consumer = {
          from,
          prefetch,
          own: ownName(),
          deliver,
          started: () => resolve({ cancel: () => cancel(consumer) }),
          failed,
          channel: undefined,
          tag: '',
          unacknowledged: 0,
          cancelled: false,
        }
        all.add(consumer)
        const connection = link.connection()
        if (connection) void start(consumer, connection)
        else link.wake()
      }),
    busy: () => all.size > 0,
    onOpen(connection) {
      for (const consumer of all) void start(consumer, connection)
    },
    onLost() {
      for (const consumer of all) consumer.channel = undefined
    },
    close() {
      closed = true
      const gaveUp = new MessageDeliveryFailure('the driver was closed')
      for (const consumer of all) consumer.failed(gaveUp)
    },
  }
}
