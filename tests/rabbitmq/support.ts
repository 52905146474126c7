/** What the tests against a broker share. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as amqp, type ChannelModel, type ConsumeMessage } from 'amqplib'
import type { Address, Driver, Incoming } from '../../src/oslo/messaging/driver.ts'
import { openTransport, type TransportOptions } from '../../src/oslo/messaging/transport.ts'

/** With a query, options of [oslo_messaging_rabbit]. */
export const testUrl = process.env.RABBITMQ_TEST_URL!

const open: (() => unknown)[] = []
/** To be closed after the test, last first. */
export const keep = <T extends { close(): unknown }>(thing: T): T => {
  open.push(() => thing.close())
  return thing
}
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close()
}

export const driverAt = (url: string = testUrl, options: TransportOptions = {}): Driver => keep(openTransport(url, options))

let names = 0
/** A name that no other test uses, on a broker that remembers. */
export const newName = (): string => `t${process.pid}x${Date.now().toString(36)}x${names++}`

export const topic = (name: string, server?: string): Address => ({ kind: 'topic', topic: name, ...(server ? { server } : {}) })
export const fanout = (name: string): Address => ({ kind: 'fanout', topic: name })
export const reply = (queue: string): Address => ({ kind: 'reply', queue })

let ids = 0
export const send = (driver: Driver, to: Address, body: string, more: object = {}): Promise<void> =>
  driver.publish(to, { id: `m${ids++}`, durable: true, body, ...more })

export interface Inbox {
  readonly all: Incoming[]
  bodies(): string[]
  cancel(): Promise<void>
}
export async function inbox(driver: Driver, from: Address, { prefetch = 100, acknowledge = true } = {}): Promise<Inbox> {
  const all: Incoming[] = []
  const consumption = await driver.consume(from, prefetch, (incoming) => {
    all.push(incoming)
    if (acknowledge) incoming.acknowledge()
  })
  return { all, bodies: () => all.map(({ body }) => body), cancel: () => consumption.cancel() }
}

export const pause = (ms = 100): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The broker as amqplib sees it, without what is tested. */
export async function plain(): Promise<ChannelModel> {
  const url = new URL(testUrl.replace('rabbit:', 'amqp:'))
  url.search = ''
  const connection = await amqp(url.href)
  connection.on('error', () => {})
  return keep(connection)
}

/** All that passes an exchange, as it is on the wire. */
export async function tap(exchange: string, type: 'topic' | 'fanout'): Promise<ConsumeMessage[]> {
  const channel = await (await plain()).createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.assertExchange(exchange, type, { durable: false, autoDelete: type === 'fanout' })
  await channel.bindQueue(queue, exchange, '#')
  const messages: ConsumeMessage[] = []
  await channel.consume(queue, (message) => message && messages.push(message), { noAck: true })
  return messages
}

export interface Proxy {
  readonly port: number
  /** Cuts all connections. */
  cut(): void
  /** Nothing passes any more, and nobody is told. */
  freeze(): void
  refuse(): Promise<void>
  close(): void
}

/** A way to the broker that can be interrupted. */
export async function proxy(to: { port: number } = { port: Number(new URL(testUrl).port) }, port = 0): Promise<Proxy> {
  const pairs = new Set<[Socket, Socket]>()
  const server = createServer((near) => {
    const far = connect(to.port, '127.0.0.1')
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    near.pipe(far)
    far.pipe(near)
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
        pairs.delete(pair)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const cut = () => {
    for (const [near] of pairs) near.destroy()
  }
  return keep({
    port: (server.address() as AddressInfo).port,
    cut,
    freeze() {
      for (const pair of pairs) for (const socket of pair) socket.unpipe().pause()
    },
    refuse() {
      cut()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
    close() {
      cut()
      server.close()
    },
  })
}

/** The test broker's URL by way of other ports. */
export const through = (ports: readonly number[], rest = '/'): string => {
  const { username, password } = new URL(testUrl)
  return `rabbit://${ports.map((port) => `${username}:${password}@127.0.0.1:${port}`).join(',')}${rest}`
}
