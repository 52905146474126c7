import { describe, expect, test } from 'vitest'
import { openTransport } from '../transport.ts'
import { parseTransportUrl } from '../transport-url.ts'
import { brokersOf, connectOptions, shownBroker } from './brokers.ts'
import { decode, encode } from './compression.ts'
import { checkRabbitSettings, type RabbitSettings } from './options.ts'
import { rabbitSettings } from './testing.ts'
import { exchangeOf, queueOf, routeTo } from './topology.ts'

describe('brokers', () => {
  const guest = { username: 'guest', password: 'guest' }
  const rows: [url: string, brokers: object[]][] = [
    ['rabbit://', [{ hostname: 'localhost', port: 5672, ...guest, virtualHost: '/' }]],
    ['rabbit://h1', [{ hostname: 'h1', port: 5672, ...guest, virtualHost: '/' }]],
    ['rabbit://u:p%40@h1:1/', [{ hostname: 'h1', port: 1, username: 'u', password: 'p@', virtualHost: '/' }]],
    [
      'rabbit://u:p@[::1]:1,v:q@h2/my%2Fhost',
      [
        { hostname: '::1', port: 1, username: 'u', password: 'p', virtualHost: 'my/host' },
        { hostname: 'h2', port: 5672, username: 'v', password: 'q', virtualHost: 'my/host' },
      ],
    ],
  ]
  for (const [url, brokers] of rows) test(url, () => expect(brokersOf(parseTransportUrl(url))).toEqual(brokers))

  test('are shown without who connects', () =>
    expect(brokersOf(parseTransportUrl('rabbit://u:p@[::1]:1,h2')).map(shownBroker)).toEqual(['[::1]:1', 'h2:5672']))

  test('TLS is spoken on the port that was said', () => {
    const [broker] = brokersOf(parseTransportUrl('rabbit://h1'))
    expect(connectOptions(broker!, rabbitSettings())[0]).toMatchObject({ protocol: 'amqp', port: 5672, heartbeat: 60, vhost: '%2F' })
    const [url, socket] = connectOptions(broker!, rabbitSettings({ ssl: true, sslVersion: 'TLSv1_2' }))
    expect(url).toMatchObject({ protocol: 'amqps', port: 5672 })
    expect(socket).toMatchObject({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', rejectUnauthorized: false })
  })
})

describe('what is declared', () => {
  const host = { kind: 'topic', topic: 'compute', server: 'h1' } as const
  const fanout = { kind: 'fanout', topic: 'scheduler' } as const
  const reply = { kind: 'reply', queue: 'reply_1' } as const
  const note = { kind: 'notification', topic: 'notifications.info' } as const
  const expires = { 'x-expires': 1_800_000 }
  const quorum = { 'x-queue-type': 'quorum' }
  const rows: [name: string, changed: Partial<RabbitSettings>, topic: object, transient: object][] = [
    ['nothing said', {}, { durable: false, arguments: {} }, { durable: false, arguments: expires }],
    ['amqp_durable_queues', { amqpDurableQueues: true }, { durable: true, arguments: {} }, { durable: false, arguments: expires }],
    [
      'rabbit_ha_queues',
      { rabbitHaQueues: true },
      { arguments: { 'x-ha-policy': 'all' } },
      { arguments: { 'x-ha-policy': 'all', ...expires } },
    ],
    ['rabbit_quorum_queue', { rabbitQuorumQueue: true }, { durable: true, arguments: quorum }, { durable: false, arguments: expires }],
    [
      'rabbit_transient_quorum_queue, no expiry',
      { rabbitTransientQuorumQueue: true, rabbitTransientQueuesTtl: 0 },
      { durable: false, arguments: {} },
      { durable: true, arguments: quorum },
    ],
    [
      'limits of quorum queues',
      { rabbitQuorumQueue: true, rabbitQuorumDeliveryLimit: 1, rabbitQuorumMaxMemoryLength: 2, rabbitQuorumMaxMemoryBytes: 3 },
      { arguments: { ...quorum, 'x-delivery-limit': 1, 'x-max-in-memory-length': 2, 'x-max-in-memory-bytes': 3 } },
      { arguments: expires },
    ],
    ['amqp_auto_delete', { amqpAutoDelete: true }, { autoDelete: true }, { autoDelete: false }],
  ]
  for (const [name, changed, topic, transient] of rows)
    test(name, () => {
      const settings = rabbitSettings(changed)
      expect(queueOf(host, settings, 'own')).toMatchObject({ name: 'compute.h1', ...topic })
      expect(queueOf(fanout, settings, 'own')).toMatchObject({ name: 'scheduler_fanout_own', ...transient })
      expect(queueOf(reply, settings, 'own')).toMatchObject({ name: 'reply_1', ...transient })
      const options = { settings, exchange: 'nova' }
      const lasting = Boolean(changed.amqpDurableQueues || changed.rabbitQuorumQueue)
      expect(exchangeOf(host, options)).toEqual({
        name: 'nova',
        type: 'topic',
        durable: lasting,
        autoDelete: Boolean(changed.amqpAutoDelete),
      })
      expect(exchangeOf(fanout, options)).toEqual({
        name: 'scheduler_fanout',
        type: 'fanout',
        durable: Boolean(changed.rabbitTransientQuorumQueue),
        autoDelete: true,
      })
      expect(exchangeOf(reply, options)).toBeUndefined()
    })

  test('where messages go', () => {
    const options = { settings: rabbitSettings(), exchange: 'nova' }
    expect(routeTo(host, options)).toMatchObject({ exchange: { name: 'nova' }, key: 'compute.h1', mandatory: true })
    expect(routeTo(fanout, options)).toMatchObject({ exchange: { name: 'scheduler_fanout' }, key: '', mandatory: false })
    expect(routeTo(reply, options)).toEqual({ key: 'reply_1', mandatory: true })
    expect(routeTo(note, options)).toMatchObject({ key: 'notifications.info', mandatory: false, queue: { name: 'notifications.info' } })
    expect(routeTo({ ...note, exchange: 'other' }, options)).toMatchObject({ exchange: { name: 'other' } })
  })
})

describe('settings that cannot be are refused', () => {
  const rows: [changed: Partial<RabbitSettings>, error: RegExp][] = [
    [{ rabbitQuorumQueue: true, rabbitHaQueues: true }, /rabbit_quorum_queue: .*not both/],
    [{ rabbitStreamFanout: true, rabbitTransientQuorumQueue: true }, /rabbit_stream_fanout: rabbit_qos_prefetch_count/],
    [{ rabbitStreamFanout: true, rabbitQosPrefetchCount: 1 }, /rabbit_stream_fanout: rabbit_transient_quorum_queue/],
    [{ rabbitLoginMethod: 'RABBIT-CR-DEMO' }, /rabbit_login_method/],
    [{ kombuCompression: 'bz2' }, /kombu_compression: bz2/],
    [{ sslVersion: 'SSLv3' }, /ssl_version: 'SSLv3'/],
  ]
  for (const [changed, error] of rows) test(String(error), () => expect(() => checkRabbitSettings(rabbitSettings(changed))).toThrow(error))

  test('in the URL as well', () =>
    expect(() => openTransport('rabbit://u:secret@h/?rabbit_quorum_queue=1&rabbit_ha_queues=1')).toThrow(/not both/))
})

describe('compression', () => {
  test('there and back', () => {
    const { content, headers } = encode(Buffer.from('x'.repeat(1000)), 'gzip')
    expect(content.length).toBeLessThan(100)
    expect(decode(content, headers)).toBe('x'.repeat(1000))
    expect(encode(Buffer.from('x'), null)).toEqual({ content: Buffer.from('x'), headers: {} })
  })
  test('of a kind that is not known', () => expect(() => decode(Buffer.from('x'), { compression: 'zstd' })).toThrow(/zstd/))
  test('of what is none', () => expect(() => decode(Buffer.from('x'), { compression: 'gzip' })).toThrow())
})
