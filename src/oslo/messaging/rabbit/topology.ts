/** Exchanges and queues as oslo.messaging declares them: a name that is taken with other properties would be refused by the broker. */
import type { Channel, ChannelModel } from 'amqplib'
import { type Address, queueName } from '../driver.ts'
import type { RabbitSettings } from './options.ts'

export interface Exchange {
  readonly name: string
  readonly type: 'topic' | 'fanout'
  readonly durable: boolean
  readonly autoDelete: boolean
}

export interface Queue {
  readonly name: string
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly arguments: Readonly<Record<string, unknown>>
}

/** Where a message is published. */
export interface Route {
  /** Absent for the default exchange, which is always there. */
  readonly exchange?: Exchange
  readonly key: string
  /** One that reaches no queue is given back. */
  readonly mandatory: boolean
  /** To be there before anything is published, so that what nobody takes yet waits. */
  readonly queue?: Queue
}

export interface TopologyOptions {
  readonly settings: RabbitSettings
  /** `control_exchange`. */
  readonly exchange: string
}

/** oslo_messaging/_drivers/impl_rabbit.py direct_send, topic_send, fanout_send, notify_send */
export function routeTo(address: Address, options: TopologyOptions): Route {
  if (address.kind === 'reply') return { key: address.queue, mandatory: true }
  // the fan-out of nobody is dropped; what is for one must find one, or it would be lost without a word
  if (address.kind === 'fanout') return { exchange: exchangeOf(address, options), key: '', mandatory: false }
  const key = queueName(address)
  const exchange = exchangeOf(address, options)
  return address.kind === 'notification'
    ? { exchange, key, mandatory: false, queue: { ...topicQueue(key, options.settings) } }
    : { exchange, key, mandatory: true }
}

/** Undefined for the default exchange. */
export function exchangeOf(address: Exclude<Address, { kind: 'reply' }>, options: TopologyOptions): Exchange
export function exchangeOf(address: Address, options: TopologyOptions): Exchange | undefined
export function exchangeOf(address: Address, { settings, exchange }: TopologyOptions): Exchange | undefined {
  if (address.kind === 'reply') return undefined
  if (address.kind === 'fanout')
    return { name: queueName(address), type: 'fanout', durable: settings.rabbitTransientQuorumQueue, autoDelete: true }
  const name = (address.kind === 'notification' ? address.exchange : undefined) ?? exchange
  return { name, type: 'topic', durable: lasting(settings), autoDelete: settings.amqpAutoDelete }
}

/** oslo_messaging/_drivers/impl_rabbit.py declare_direct_consumer, declare_topic_consumer, declare_fanout_consumer; `own` tells this process's fan-out. */
export function queueOf(address: Address, settings: RabbitSettings, own: string): Queue {
  if (address.kind === 'reply') return transientQueue(address.queue, settings)
  if (address.kind === 'fanout') return transientQueue(`${queueName(address)}_${own}`, settings)
  return topicQueue(queueName(address), settings)
}

// quorum queues are durable whatever amqp_durable_queues says
const lasting = (settings: RabbitSettings): boolean => settings.amqpDurableQueues || settings.rabbitQuorumQueue

const topicQueue = (name: string, settings: RabbitSettings): Queue => ({
  name,
  durable: lasting(settings),
  autoDelete: settings.amqpAutoDelete,
  arguments: { ...mirrored(settings), ...(settings.rabbitQuorumQueue ? quorum(settings) : {}) },
})

const transientQueue = (name: string, settings: RabbitSettings): Queue => ({
  name,
  durable: settings.rabbitTransientQuorumQueue,
  autoDelete: false,
  arguments: {
    ...mirrored(settings),
    ...(settings.rabbitTransientQuorumQueue ? quorum(settings) : {}),
    ...(settings.rabbitTransientQueuesTtl > 0 ? { 'x-expires': settings.rabbitTransientQueuesTtl * 1000 } : {}),
  },
})

const mirrored = ({ rabbitHaQueues }: RabbitSettings) => (rabbitHaQueues ? { 'x-ha-policy': 'all' } : {})

const quorum = (settings: RabbitSettings): Record<string, unknown> => ({
  'x-queue-type': 'quorum',
  ...(settings.rabbitQuorumDeliveryLimit ? { 'x-delivery-limit': settings.rabbitQuorumDeliveryLimit } : {}),
  ...(settings.rabbitQuorumMaxMemoryLength ? { 'x-max-in-memory-length': settings.rabbitQuorumMaxMemoryLength } : {}),
  ...(settings.rabbitQuorumMaxMemoryBytes ? { 'x-max-in-memory-bytes': settings.rabbitQuorumMaxMemoryBytes } : {}),
})

/**
 * Makes sure that an exchange is there. One that is there with other properties is used as it is: services that share it may be configured
 * differently. (A refusal closes the channel, so each question has its own.)
 */
export async function declareExchange(connection: ChannelModel, { name, type, durable, autoDelete }: Exchange): Promise<void> {
  const declared = await onOwnChannel(connection, (channel) => channel.assertExchange(name, type, { durable, autoDelete })).then(
    () => true,
    (error) => {
      if (!isInequivalent(error)) throw error
      return false
    },
  )
  if (!declared) await onOwnChannel(connection, (channel) => channel.checkExchange(name))
}

/** As `declareExchange`, for a queue that others will consume. */
export async function declareBoundQueue(connection: ChannelModel, queue: Queue, exchange: Exchange, key: string): Promise<void> {
  await onOwnChannel(connection, async (channel) => {
    await declareQueue(channel, queue)
    await channel.bindQueue(queue.name, exchange.name, key)
  })
}

export async function declareQueue(channel: Channel, { name, durable, autoDelete, arguments: more }: Queue): Promise<void> {
  await channel.assertQueue(name, { durable, autoDelete, arguments: more })
}

async function onOwnChannel(connection: ChannelModel, work: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await connection.createChannel()
  // what the broker refuses also rejects the question
  channel.on('error', () => {})
  await work(channel)
  await channel.close()
}

const isInequivalent = (error: unknown): boolean => /PRECONDITION_FAILED - inequivalent arg/.test((error as Error).message)
