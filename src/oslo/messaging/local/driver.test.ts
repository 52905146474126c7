import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Address, Driver, Incoming } from '../driver.ts'
import { createBroker } from './broker.ts'
import { localDriver } from './driver.ts'
import { encodeFrame, frameReader, maxBodyBytes } from './frames.ts'
import { inProcessDriver } from './in-process.ts'
import { type LocalBroker, listenLocal } from './listen.ts'

const open: { close(): unknown }[] = []
const directories: string[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})
function keep<T extends { close(): unknown }>(thing: T): T {
  open.push(thing)
  return thing
}
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'messages-'))
  directories.push(directory)
  return directory
}
const newSocket = () => join(newDirectory(), 'm.sock')
const listen = async (socketPath: string, reported: unknown[] = []): Promise<LocalBroker> =>
  keep(await listenLocal({ socketPath, report: (error) => reported.push(error) }))

const topic = (name: string, server?: string): Address => ({ kind: 'topic', topic: name, ...(server ? { server } : {}) })
const fanout = (name: string): Address => ({ kind: 'fanout', topic: name })
const reply = (queue: string): Address => ({ kind: 'reply', queue })

let ids = 0
const send = (driver: Driver, to: Address, body: string, more: object = {}) =>
  driver.publish(to, { id: `m${ids++}`, durable: true, body, ...more })

interface Inbox {
  all: Incoming[]
  bodies(): string[]
  cancel(): Promise<void>
}
async function inbox(driver: Driver, from: Address, { prefetch = 100, acknowledge = true } = {}): Promise<Inbox> {
  const all: Incoming[] = []
  const consumption = await driver.consume(from, prefetch, (incoming) => {
    all.push(incoming)
    if (acknowledge) incoming.acknowledge()
  })
  return { all, bodies: () => all.map(({ body }) => body), cancel: () => consumption.cancel() }
}
const pause = (ms = 30) => new Promise((resolve) => setTimeout(resolve, ms))
const arrived = (box: Inbox, bodies: string[]) => vi.waitFor(() => expect(box.bodies()).toEqual(bodies))

/** Makes drivers that share one broker. */
const houses: Record<string, () => Promise<() => Driver>> = {
  async 'in process'() {
    const broker = keep(createBroker())
    return () => keep(inProcessDriver(broker))
  },
  async 'on a socket'() {
    const socketPath = newSocket()
    await listen(socketPath)
    return () => keep(localDriver({ socketPath }))
  },
}

for (const [name, build] of Object.entries(houses))
  describe(name, () => {
    test('a topic is shared, in turn and in order', async () => {
      const driver = await build()
      const [a, b] = [await inbox(driver(), topic('t')), await inbox(driver(), topic('t'))]
      const sender = driver()
      for (const body of ['1', '2', '3', '4']) await send(sender, topic('t'), body)
      await vi.waitFor(() => expect(a.all.length + b.all.length).toBe(4))
      expect([a.bodies(), b.bodies()].sort()).toEqual([
        ['1', '3'],
        ['2', '4'],
      ])
    })

    test('a server has a queue of its own', async () => {
      const driver = await build()
      const [any, h1, h2] = await Promise.all([topic('t'), topic('t', 'h1'), topic('t', 'h2')].map((from) => inbox(driver(), from)))
      await send(driver(), topic('t', 'h2'), 'x')
      await arrived(h2!, ['x'])
      expect([any!.bodies(), h1!.bodies()]).toEqual([[], []])
    })

    test('a fan-out reaches everybody who listens, and nobody later', async () => {
      const driver = await build()
      const boxes = [await inbox(driver(), fanout('t')), await inbox(driver(), fanout('t'))]
      const left = await inbox(driver(), fanout('t'))
      await left.cancel()
      await send(driver(), fanout('t'), 'x')
      const late = await inbox(driver(), fanout('t'))
      for (const box of boxes) await arrived(box, ['x'])
      await pause()
      expect([left.bodies(), late.bodies()]).toEqual([[], []])
      await expect(send(driver(), fanout('nobody'), 'x')).resolves.toBeUndefined()
    })

    test('what nobody takes waits, durable or not', async () => {
      const driver = await build()
      await send(driver(), topic('t'), 'cast')
      await send(driver(), topic('t'), 'call', { durable: false, expiresMs: 60_000 })
      await send(driver(), reply('r'), 'answer', { durable: false, expiresMs: 60_000 })
      await arrived(await inbox(driver(), topic('t')), ['cast', 'call'])
      await arrived(await inbox(driver(), reply('r')), ['answer'])
    })

    test('what has expired is not delivered', async () => {
      const driver = await build()
      await send(driver(), topic('t'), 'short', { durable: false, expiresMs: 10 })
      await send(driver(), topic('t'), 'long', { durable: false, expiresMs: 60_000 })
      await pause(20)
      await arrived(await inbox(driver(), topic('t')), ['long'])
    })

    test('no more are out than were asked for', async () => {
      const driver = await build()
      const box = await inbox(driver(), topic('t'), { prefetch: 2, acknowledge: false })
      const sender = driver()
      for (const body of ['1', '2', '3', '4']) await send(sender, topic('t'), body)
      await arrived(box, ['1', '2'])
      await pause()
      expect(box.bodies()).toEqual(['1', '2'])
      box.all[1]!.acknowledge()
      await arrived(box, ['1', '2', '3'])
    })

    test('what a consumer leaves behind goes to another, first and flagged', async () => {
      const driver = await build()
      const gone = driver()
      const box = await inbox(gone, topic('t'), { prefetch: 3, acknowledge: false })
      const sender = driver()
      for (const body of ['1', '2', '3', '4']) await send(sender, topic('t'), body)
      await arrived(box, ['1', '2', '3'])
      box.all[1]!.acknowledge()
      await arrived(box, ['1', '2', '3', '4'])
      await gone.close()
      const next = await inbox(driver(), topic('t'))
      await arrived(next, ['1', '3', '4'])
      expect(next.all.map(({ redelivered }) => redelivered)).toEqual([true, true, true])
      await send(sender, topic('t'), '5')
      await arrived(next, ['1', '3', '4', '5'])
      expect(next.all[3]!.redelivered).toBe(false)
    })

    test('who cancelled gets no more, but may acknowledge what it has', async () => {
      const driver = await build()
      const leaving = driver()
      const box = await inbox(leaving, topic('t'), { acknowledge: false })
      const sender = driver()
      await send(sender, topic('t'), '1')
      await arrived(box, ['1'])
      await box.cancel()
      await send(sender, topic('t'), '2')
      box.all[0]!.acknowledge()
      await pause()
      await leaving.close()
      await arrived(await inbox(driver(), topic('t')), ['2'])
      expect(box.bodies()).toEqual(['1'])
    })

    test('one sent twice is taken once', async () => {
      const driver = await build()
      const sender = driver()
      await Promise.all([1, 2].map(() => sender.publish(topic('t'), { id: 'same', durable: true, body: 'x' })))
      await sender.publish(topic('t'), { id: 'same', durable: true, body: 'x' })
      const box = await inbox(driver(), topic('t'))
      await arrived(box, ['x'])
      await pause()
      expect(box.bodies()).toEqual(['x'])
    })

    test('a message has a largest size', async () => {
      const driver = await build()
      const box = await inbox(driver(), topic('t'))
      await send(driver(), topic('t'), 'x'.repeat(maxBodyBytes))
      await vi.waitFor(() => expect(box.all[0]?.body.length).toBe(maxBodyBytes), 5_000)
      await expect(send(driver(), topic('t'), 'x'.repeat(maxBodyBytes + 1))).rejects.toMatchObject({
        name: 'MessageDeliveryFailure',
        message: expect.stringContaining(String(maxBodyBytes + 1)),
      })
    })

    test('a closed driver refuses', async () => {
      const closed = (await build())()
      await closed.close()
      await expect(send(closed, topic('t'), 'x')).rejects.toMatchObject({ name: 'MessageDeliveryFailure' })
      await expect(closed.consume(topic('t'), 1, () => {})).rejects.toMatchObject({ name: 'MessageDeliveryFailure' })
    })
  })

describe('a broker', () => {
  const journal = { load: () => [], write: () => {}, close: () => {} }

  test('refuses what is more than it may hold', async () => {
    const driver = keep(inProcessDriver(keep(createBroker({ maxQueued: 2, maxBytes: 10 }))))
    await send(driver, topic('t'), '1')
    await send(driver, topic('t'), '2')
    await expect(send(driver, topic('t'), '3')).rejects.toThrow('the queue t is full')
    await expect(send(driver, topic('u'), '123456789')).rejects.toThrow('the broker holds 2 bytes already')
    await send(driver, topic('u'), '12345678')
    await arrived(await inbox(driver, topic('t')), ['1', '2'])
    await vi.waitFor(() => send(driver, topic('t'), '3'))
  })

  test('confirms nothing that the journal did not take', async () => {
    let works = false
    const reported: unknown[] = []
    const written: string[] = []
    const write = (added: readonly { id: string }[]) => {
      if (!works) throw new Error('disk full')
      written.push(...added.map(({ id }) => id))
    }
    const broker = keep(createBroker({ journal: { ...journal, write }, report: (error) => reported.push(error) }))
    const driver = keep(inProcessDriver(broker))
    const publish = () => driver.publish(topic('t'), { id: 'a', durable: true, body: 'x' })
    await expect(publish()).rejects.toMatchObject({ name: 'MessageDeliveryFailure', message: expect.stringContaining('journal') })
    expect(reported).toEqual([new Error('disk full')])
    works = true
    await publish()
    expect(written).toEqual(['a'])
    await arrived(await inbox(driver, topic('t')), ['x'])
  })

  test('keeps the order of what is durable and what is not', async () => {
    const driver = keep(inProcessDriver(keep(createBroker({ journal }))))
    const box = await inbox(driver, topic('t'))
    const all = [...Array(20).keys()].map(String)
    await Promise.all(all.map((body, i) => send(driver, topic('t'), body, { durable: i % 3 > 0 })))
    await arrived(box, all)
  })
})

describe('the socket and the journal', () => {
  test('are for their owner alone', async () => {
    const socketPath = newSocket()
    await listen(socketPath)
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    expect([mode(socketPath), mode(`${socketPath}.journal`), mode(`${socketPath}.journal-wal`)]).toEqual(['600', '600', '600'])
  })

  test('are of one broker at a time', async () => {
    const socketPath = newSocket()
    const first = await listen(socketPath)
    await expect(listenLocal({ socketPath, report: () => {} })).rejects.toThrow(/does another broker use it/)
    const sender = keep(localDriver({ socketPath }))
    await send(sender, topic('t'), 'still there')
    expect(first.size).toBe(1)
  })

  test('hold over a restart what was not acknowledged', async () => {
    const socketPath = newSocket()
    const first = await listen(socketPath)
    const driver = keep(localDriver({ socketPath }))
    const box = await inbox(driver, topic('t'), { prefetch: 2, acknowledge: false })
    for (const body of ['1', '2', '3']) await send(driver, topic('t'), body)
    await send(driver, topic('t'), 'call', { durable: false })
    box.all[0]!.acknowledge()
    await arrived(box, ['1', '2', '3'])
    await first.close()
    const second = await listen(socketPath)
    expect(second.size).toBe(2)
    // the consumer comes back by itself; what it acknowledges now counts, what it held from before does not
    await arrived(box, ['1', '2', '3', '2', '3'])
    expect(box.all.map(({ redelivered }) => redelivered)).toEqual([false, false, false, true, true])
    for (const incoming of box.all) incoming.acknowledge()
    await vi.waitFor(() => expect(second.size).toBe(0))
    await second.close()
    expect((await listen(socketPath)).size).toBe(0)
  })

  test('a socket that a dead broker left is replaced', async () => {
    const socketPath = newSocket()
    writeFileSync(socketPath, '')
    await listen(socketPath)
    await send(keep(localDriver({ socketPath })), topic('t'), 'x')
  })

  test('a path that the system cannot bind is refused', async () => {
    const socketPath = join(newDirectory(), 'x'.repeat(90))
    await expect(listenLocal({ socketPath, report: () => {} })).rejects.toThrow(/too long/)
  })

  test('garbage ends that connection, and no other', async () => {
    const socketPath = newSocket()
    const reported: unknown[] = []
    await listen(socketPath, reported)
    const driver = keep(localDriver({ socketPath }))
    const box = await inbox(driver, topic('t'))
    const head = Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    for (const bytes of [head, encodeFrame({ op: 'reboot' }), Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0x7b])]) {
      const stranger = connect(socketPath)
      stranger.resume().on('error', () => {})
      stranger.write(bytes)
      await new Promise((resolve) => stranger.once('close', resolve))
    }
    expect(reported).toHaveLength(3)
    await send(driver, topic('t'), 'x')
    await arrived(box, ['x'])
  })
})

describe('a client', () => {
  test('waits for a broker to come, within bounds', async () => {
    const socketPath = newSocket()
    const driver = keep(localDriver({ socketPath, publishTimeoutMs: 5_000 }))
    const box = inbox(driver, topic('t'))
    const sent = send(driver, topic('t'), 'early')
    await pause()
    await listen(socketPath)
    await sent
    await arrived(await box, ['early'])
  })

  test('says after a while that there is none', async () => {
    const driver = keep(localDriver({ socketPath: newSocket(), publishTimeoutMs: 60 }))
    const start = performance.now()
    await expect(send(driver, topic('t'), 'x')).rejects.toMatchObject({
      name: 'MessageDeliveryFailure',
      message: /no broker .* within 60 ms: .*ENOENT/,
    })
    await expect(send(driver, topic('t'), 'x', { timeoutMs: 30 })).rejects.toMatchObject({ name: 'MessageDeliveryFailure' })
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  test('says that a broker does not confirm', async () => {
    const socketPath = newSocket()
    const mute = createServer((socket) => void socket.resume().write(encodeFrame({ op: 'hello', protocol: 1 })))
    await new Promise<void>((resolve) => mute.listen(socketPath, resolve))
    const driver = localDriver({ socketPath, publishTimeoutMs: 60, maxUnconfirmed: 1 })
    const first = send(driver, topic('t'), 'x')
    await expect(send(driver, topic('t'), 'y')).rejects.toThrow('1 messages wait to be confirmed')
    await expect(first).rejects.toThrow(/did not confirm/)
    await driver.close()
    mute.close()
  })

  test('does not talk to what is no broker of its kind', async () => {
    const socketPath = newSocket()
    const other = createServer((socket) => void socket.resume().write(encodeFrame({ op: 'hello', protocol: 2 })))
    await new Promise<void>((resolve) => other.listen(socketPath, resolve))
    const driver = localDriver({ socketPath, publishTimeoutMs: 60 })
    await expect(send(driver, topic('t'), 'x')).rejects.toThrow(/speaks version 2, not 1/)
    await driver.close()
    other.close()
  })

  test('gives up what waits when it is closed', async () => {
    const driver = localDriver({ socketPath: newSocket() })
    const sent = send(driver, topic('t'), 'x')
    const listening = driver.consume(topic('t'), 1, () => {})
    const outcomes = [sent, listening].map((waiting) => expect(waiting).rejects.toThrow('the driver was closed'))
    await driver.close()
    await Promise.all(outcomes)
  })
})

describe('frames', () => {
  const frames = [encodeFrame({ n: 1 }), encodeFrame({ n: 2 }, Buffer.from('body ü')), encodeFrame({ n: 3 }, Buffer.alloc(70_000, 'x'))]
  const all = Buffer.concat(frames)
  for (const size of [1, 7, 8, 9, 1000, all.length])
    test(`in chunks of ${size}`, () => {
      const seen: [number, number][] = []
      const read = frameReader<{ n: number }>(({ n }, body) => seen.push([n, body.length]))
      for (let at = 0; at < all.length; at += size) read(all.subarray(at, at + size))
      expect(seen).toEqual([
        [1, 0],
        [2, 7],
        [3, 70_000],
      ])
    })
})
