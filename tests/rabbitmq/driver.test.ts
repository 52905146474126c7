/** The driver against a real broker: what goes where, what is kept, what comes back. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { maxBodyBytes } from '../../src/oslo/messaging/local/frames.ts'
import { rabbitDriver } from '../../src/oslo/messaging/rabbit/driver.ts'
import { openTransport } from '../../src/oslo/messaging/transport.ts'
import { parseTransportUrl } from '../../src/oslo/messaging/transport-url.ts'
import {
  closeAll,
  driverAt,
  fanout,
  type Inbox,
  inbox,
  keep,
  newName,
  pause,
  plain,
  proxy,
  reply,
  send,
  testUrl,
  through,
  topic,
} from './support.ts'

afterEach(closeAll)

const arrived = (box: Inbox, bodies: string[]) => vi.waitFor(() => expect(box.bodies()).toEqual(bodies), { timeout: 10_000 })

const kinds: [name: string, query: string][] = [
  ['classic queues', ''],
  ['durable queues', '?amqp_durable_queues=true&x'],
  ['quorum queues', '?rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true&x'],
]
for (const [name, query] of kinds)
  describe(name, () => {
    // the exchange is there once, with the properties it was declared with first
    const driver = () => driverAt(`${testUrl}${query}`, { exchange: `nova-${name.split(' ')[0]}` })

    test('one of those who listen gets it, and a host what is for it', async () => {
      const t = newName()
      const boxes = [await inbox(driver(), topic(t)), await inbox(driver(), topic(t))]
      const host = await inbox(driver(), topic(t, 'h1'))
      const sender = driver()
      for (let i = 0; i < 4; i++) await send(sender, topic(t), 'any')
      await send(sender, topic(t, 'h1'), 'mine')
      await arrived(host, ['mine'])
      await vi.waitFor(() => expect(boxes.flatMap((box) => box.bodies())).toEqual(['any', 'any', 'any', 'any']))
      expect(boxes.map((box) => box.all.length > 0)).toEqual([true, true])
    })

    test('a fan-out reaches everybody who listens', async () => {
      const t = newName()
      await send(driver(), fanout(t), 'to nobody')
      const boxes = [await inbox(driver(), fanout(t)), await inbox(driver(), fanout(t))]
      const left = await inbox(driver(), fanout(t))
      await left.cancel()
      await send(driver(), fanout(t), 'x')
      for (const box of boxes) await arrived(box, ['x'])
      expect(left.bodies()).toEqual([])
    })

    test('an answer goes to the queue that was named', async () => {
      const name = `reply_${newName()}`
      const box = await inbox(driver(), reply(name))
      await send(driver(), reply(name), 'answer', { expiresMs: 60_000 })
      await arrived(box, ['answer'])
    })

    test('no more are out than were asked for, and what is left behind comes again', async () => {
      const t = newName()
      const gone = driver()
      const box = await inbox(gone, topic(t), { prefetch: 2, acknowledge: false })
      const sender = driver()
      for (const body of ['1', '2', '3']) await send(sender, topic(t), body)
      await arrived(box, ['1', '2'])
      await pause()
      box.all[0]!.acknowledge()
      await arrived(box, ['1', '2', '3'])
      await gone.close()
      const next = await inbox(driver(), topic(t))
      await vi.waitFor(() => expect(next.bodies().toSorted()).toEqual(['2', '3']), { timeout: 10_000 })
      expect(next.all.map(({ redelivered }) => redelivered)).toEqual([true, true])
    })

    test('who cancelled gets no more, but may acknowledge what it has', async () => {
      const t = newName()
      const leaving = driver()
      const box = await inbox(leaving, topic(t), { acknowledge: false })
      const sender = driver()
      await send(sender, topic(t), '1')
      await arrived(box, ['1'])
      await box.cancel()
      await send(sender, topic(t), '2')
      box.all[0]!.acknowledge()
      const next = await inbox(driver(), topic(t))
      await arrived(next, ['2'])
      await pause()
      expect([box.bodies(), next.bodies()]).toEqual([['1'], ['2']])
    })

    test('notifications wait for whoever takes them', async () => {
      const exchange = newName()
      const queue = `${newName()}.info`
      const sender = driver()
      await sender.publish({ kind: 'notification', topic: queue, exchange }, { id: '1', durable: true, body: 'created' })
      const channel = await (await plain()).createChannel()
      const found = await channel.get(queue, { noAck: true })
      expect(found === false ? undefined : found.content.toString()).toBe('created')
    })
  })

test('what expired is not delivered', async () => {
  const t = newName()
  const driver = driverAt()
  const box = await inbox(driver, topic(t))
  await box.cancel()
  await send(driver, topic(t), 'short', { expiresMs: 20 })
  await send(driver, topic(t), 'long', { expiresMs: 60_000 })
  await pause(200)
  await arrived(await inbox(driverAt(), topic(t)), ['long'])
})

describe('what nobody could take', () => {
  test('is waited for, and taken when somebody comes', async () => {
    const t = newName()
    const sent = send(driverAt(), topic(t, 'h1'), 'x')
    await pause(500)
    await arrived(await inbox(driverAt(), topic(t, 'h1')), ['x'])
    await sent
  })

  test('is refused when nobody comes in time', async () => {
    const t = newName()
    await expect(send(driverAt(), topic(t, 'h1'), 'x', { timeoutMs: 700 })).rejects.toMatchObject({
      name: 'MessageDeliveryFailure',
      message: `the broker did not take a message within 700 ms: no queue takes messages for ${t}.h1`,
    })
  })

  test('does not hold up what others send', async () => {
    const t = newName()
    const driver = driverAt()
    const lost = Promise.allSettled([send(driver, topic(t, 'gone'), 'x', { timeoutMs: 1_500 })])
    const box = await inbox(driver, topic(t))
    for (const body of ['1', '2', '3']) await send(driver, topic(t), body)
    await arrived(box, ['1', '2', '3'])
    expect((await lost)[0]!.status).toBe('rejected')
  })
})

test('a message of the largest size passes, a larger one is refused at once', async () => {
  const t = newName()
  const driver = driverAt()
  const box = await inbox(driver, topic(t))
  await send(driver, topic(t), 'x'.repeat(maxBodyBytes))
  await vi.waitFor(() => expect(box.all[0]?.body.length).toBe(maxBodyBytes), { timeout: 20_000 })
  await expect(send(driver, topic(t), 'x'.repeat(maxBodyBytes + 1))).rejects.toThrow(String(maxBodyBytes + 1))
})

test('a thousand at once arrive in order', async () => {
  const t = newName()
  const driver = driverAt()
  const box = await inbox(driverAt(), topic(t), { prefetch: 50 })
  const all = Array.from({ length: 1000 }, (_, i) => String(i))
  await Promise.all(all.map((body) => send(driver, topic(t), body)))
  await arrived(box, all)
})

test('compressed messages are what kombu makes of them, and are read', async () => {
  const t = newName()
  const box = await inbox(driverAt(), topic(t))
  await send(driverAt(`${testUrl}?kombu_compression=gzip`), topic(t), 'x'.repeat(5_000))
  await arrived(box, ['x'.repeat(5_000)])
  const channel = await (await plain()).createChannel()
  channel.publish('nova', t, Buffer.from('?'), { headers: { compression: 'application/x-lzma' } })
  channel.publish('nova', t, Buffer.from('after'))
  await arrived(box, ['x'.repeat(5_000), 'after'])
})

test('an exchange that others made durable is used as it is', async () => {
  const exchange = newName()
  const t = newName()
  const channel = await (await plain()).createChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  const box = await inbox(driverAt(testUrl, { exchange }), topic(t))
  await send(driverAt(testUrl, { exchange }), topic(t), 'x')
  await arrived(box, ['x'])
})

test('a listener whose queue is deleted makes it again', async () => {
  const t = newName()
  const reports: string[] = []
  const box = await inbox(driverAt(`${testUrl}?kombu_reconnect_delay=0`, { report: (error) => reports.push(String(error)) }), topic(t))
  await (await (await plain()).createChannel()).deleteQueue(t)
  await send(driverAt(), topic(t), 'x')
  await arrived(box, ['x'])
})

describe('who we are', () => {
  test('each login method that the broker has', async () => {
    for (const method of ['PLAIN', 'AMQPLAIN']) await send(driverAt(`${testUrl}?rabbit_login_method=${method}`), fanout(newName()), 'x')
  })

  test('a wrong password is told, without it', async () => {
    const url = testUrl.replace(/:[^:@]*@/, ':wr0ng@')
    const error = await send(driverAt(url), fanout(newName()), 'x', { timeoutMs: 2_500 }).catch((error) => error)
    expect(error).toMatchObject({ name: 'MessageDeliveryFailure' })
    expect(error.message).toMatch(/ACCESS.REFUSED|403/)
    expect(error.message).not.toContain('wr0ng')
  })

  test('a virtual host that is not there is told', async () => {
    await expect(send(driverAt(`${testUrl}nowhere`), fanout(newName()), 'x', { timeoutMs: 2_500 })).rejects.toThrow(
      /no virtual host 'nowhere' for this user/,
    )
  })
})

describe('TLS', () => {
  const { ca, stranger, port, user } = JSON.parse(process.env.RABBITMQ_TEST_TLS!) as {
    ca: string
    stranger: string
    port: number
    user: string
  }
  const at = (host: string, query: string) => `rabbit://${user}@${host}:${port}/?ssl=true&${query}`
  const rows: [what: string, url: string, error: RegExp | undefined][] = [
    ['a certificate of the authority, for this name', at('localhost', `ssl_ca_file=${ca}`), undefined],
    ['of another authority', at('localhost', `ssl_ca_file=${stranger}`), /unable to verify|self-signed|certificate/],
    ['for another name', at('127.0.0.1', `ssl_ca_file=${ca}`), /altnames|IP: 127\.0\.0\.1/],
    [
      'for another name, where names are not compared',
      at('127.0.0.1', `ssl_ca_file=${ca}&ssl_enforce_hostname_verification=false`),
      undefined,
    ],
    ['unchecked', at('127.0.0.1', ''), undefined],
    ['with one version of TLS', at('localhost', `ssl_ca_file=${ca}&ssl_version=TLSv1_2`), undefined],
    ['a file that is not there', at('localhost', 'ssl_ca_file=/nowhere'), /ENOENT/],
  ]
  for (const [what, url, error] of rows)
    test(what, async () => {
      const sent = send(driverAt(url), fanout(newName()), 'x', { timeoutMs: 2_500 })
      if (error) await expect(sent).rejects.toThrow(error)
      else await sent
    })
})

describe('connections that break', () => {
  test('what was on its way arrives, once or more, and listeners go on', async () => {
    const t = newName()
    const way = await proxy()
    const reports: string[] = []
    const report = (error: unknown) => void reports.push(String(error))
    const box = await inbox(driverAt(through([way.port]), { report }), topic(t))
    const sender = driverAt(through([way.port]), { report })
    const sent: Promise<void>[] = []
    for (let i = 0; i < 300; i++) {
      sent.push(send(sender, topic(t), String(i)))
      if (i % 100 === 50) way.cut()
      if (i % 10 === 0) await pause(10)
    }
    await Promise.all(sent)
    await vi.waitFor(() => expect(new Set(box.bodies()).size).toBe(300), { timeout: 15_000 })
    expect(reports.join()).toMatch(/was lost/)
  })

  test('the next broker takes over', async () => {
    const t = newName()
    const [first, second] = [await proxy(), await proxy()]
    const driver = driverAt(through([first.port, second.port]))
    const box = await inbox(driver, topic(t))
    await send(driver, topic(t), '1')
    await first.refuse()
    await send(driver, topic(t), '2')
    const back = await proxy(undefined, first.port)
    await second.refuse()
    await send(driver, topic(t), '3')
    await vi.waitFor(() => expect(new Set(box.bodies())).toEqual(new Set(['1', '2', '3'])), { timeout: 15_000 })
    expect(back.port).toBe(first.port)
  })

  test('a broker that says nothing any more is left for another', async () => {
    const t = newName()
    const [first, second] = [await proxy(), await proxy()]
    const driver = driverAt(through([first.port], '/?heartbeat_timeout_threshold=2'))
    const box = await inbox(driverAt(through([second.port])), topic(t))
    await send(driver, topic(t), '1')
    first.freeze()
    const start = performance.now()
    await send(driver, topic(t), '2')
    expect(performance.now() - start).toBeLessThan(9_000)
    await vi.waitFor(() => expect(new Set(box.bodies())).toEqual(new Set(['1', '2'])))
  })

  test('no broker: an error in time that names the brokers', async () => {
    const way = await proxy()
    await way.refuse()
    const driver = driverAt(through([way.port]))
    const start = performance.now()
    await expect(send(driver, topic('t'), 'x', { timeoutMs: 300 })).rejects.toThrow(
      new RegExp(`within 300 ms: 127.0.0.1:${way.port}: .*ECONNREFUSED`),
    )
    expect(performance.now() - start).toBeLessThan(1_500)
  })

  test('what waits is given up when the driver is closed', async () => {
    const way = await proxy()
    await way.refuse()
    const driver = openTransport(through([way.port]))
    const waiting = [send(driver, topic('t'), 'x'), driver.consume(topic('t'), 1, () => {})].map((each) =>
      expect(each).rejects.toThrow('the driver was closed'),
    )
    await driver.close()
    await Promise.all(waiting)
    await expect(send(driver, topic('t'), 'x')).rejects.toThrow('the driver is closed')
    await expect(driver.consume(topic('t'), 1, () => {})).rejects.toThrow('the driver is closed')
  })
})

test('use_queue_manager: names stay over restarts, and no two processes have one', async () => {
  const namesIn = mkdtempSync(join(tmpdir(), 'names-'))
  const url = `${testUrl}?use_queue_manager=true&hostname=node1&processname=nova-api`
  const { settingsOf } = await import('./settings.ts')
  const make = () => keep(rabbitDriver({ url: parseTransportUrl(url), settings: settingsOf(url), namesIn }))
  expect([make().ownName!(), make().ownName!()]).toEqual(['node1:nova-api:1', 'node1:nova-api:2'])
  rmSync(namesIn, { recursive: true })
})
