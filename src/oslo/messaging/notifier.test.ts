import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../config/error.ts'
import type { RequestContext } from '../context.ts'
import { silent } from '../log.ts'
import type { Driver } from './driver.ts'
import { MessageDeliveryFailure } from './errors.ts'
import { memoryDriver } from './local/in-process.ts'
import { type NotifierParts, openNotifier } from './notifier.ts'

const context = {
  userId: 'u1',
  userName: 'ann',
  projectId: 'p1',
  projectName: 'p',
  roles: ['member'],
  token: 'secret-token',
  requestId: 'req-1',
  catalog: [{ type: 'image', endpoints: [] }],
  timestamp: '2026-01-01T00:00:00.000',
  remoteAddress: '192.0.2.1',
} as unknown as RequestContext

const drivers: Driver[] = []
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close()
})

const lines: string[] = []
const log = () => ({ ...silent, info: (line: string) => void lines.push(line), error: (line: string) => void lines.push(`error: ${line}`) })
let made = 0
function open(driver: string[], broker: () => Driver, retry = 0, told: NotifierParts['log'] = log, routingConfig: string | null = null) {
  const parts: NotifierParts = {
    settings: { driver, topics: ['notifications', 'others'], retry, routingConfig },
    broker,
    log: told,
    clock: { now: () => 1_767_225_600_000 },
    ids: { uuid: () => `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}` },
  }
  return openNotifier(parts)
}

const notification = {
  publisher: 'api.h',
  event: 'keypair.create.start',
  priority: 'info',
  payload: { key_name: 'k', adminPass: 'hush' },
} as const

async function heard(kind: string): Promise<string[]> {
  const driver = memoryDriver()
  drivers.push(driver)
  const got: string[] = []
  for (const topic of ['notifications.info', 'others.info'])
    await driver.consume({ kind: 'topic', topic }, 10, (message) => {
      got.push(message.body)
      message.acknowledge()
    })
  const notifier = open([kind], () => driver)
  notifier.notify(context, notification)
  await notifier.close()
  await expect.poll(() => got.length).toBe(2)
  return got
}

const message = {
  message_id: expect.any(String),
  publisher_id: 'api.h',
  event_type: 'keypair.create.start',
  priority: 'INFO',
  payload: notification.payload,
  timestamp: '2026-01-01 00:00:00.000000',
  _unique_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  _context_user_id: 'u1',
  _context_request_id: 'req-1',
}

test('messagingv2 puts them into an envelope, for each topic, and tokens stay here', async () => {
  const [first, second] = await heard('messagingv2')
  const idOf = (body: string) => JSON.parse(JSON.parse(body)['oslo.message']).message_id
  expect(idOf(first!)).toBe(idOf(second!))
  const outer = JSON.parse(first!)
  expect(outer['oslo.version']).toBe('2.0')
  expect(JSON.parse(outer['oslo.message'])).toMatchObject({ ...message, _context_auth_token: null, _context_service_catalog: [] })
  expect(first).not.toContain('secret-token')
})

test('messaging sends them as they are', async () => {
  const [first] = await heard('messaging')
  expect(JSON.parse(first!)).toMatchObject(message)
})

test('log writes them without passwords; noop and nothing tell nobody', async () => {
  const none = () => {
    throw new Error('no broker is wanted')
  }
  const notifier = open(['log', 'noop'], none)
  notifier.notify(context, notification)
  await notifier.close()
  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('keypair.create.start')
  expect(lines[0]).not.toContain('hush')
  expect(open(['noop'], none).enabled).toBe(false)
  expect(open([], none).enabled).toBe(false)
})

test('one that is lost is told to the log, and the next is sent', async () => {
  lines.splice(0)
  const broken = { publish: () => Promise.reject(new MessageDeliveryFailure('the broker is away')) } as unknown as Driver
  const notifier = open(['messagingv2', 'log'], () => broken)
  notifier.notify(context, notification)
  notifier.notify(context, { ...notification, event: 'keypair.create.end' })
  await notifier.close()
  expect(lines.map((line) => line.slice(0, 60))).toEqual(
    [
      'error: The notification keypair.create.start was not sent: the',
      expect.stringContaining('keypair.create.start'),
      'error: The notification keypair.create.end was not sent: the b',
      expect.stringContaining('keypair.create.end'),
    ].map((each) => (typeof each === 'string' ? each.slice(0, 60) : expect.any(String))),
  )
})

test('one that cannot be sent while it is asked to try without end is given up, and told, once the notifier closes', async () => {
  lines.splice(0)
  let tries = 0
  const publish = () => {
    tries++
    return Promise.reject(new MessageDeliveryFailure('the broker is away'))
  }
  const notifier = open(['messagingv2'], () => ({ publish }) as unknown as Driver, -1)
  notifier.notify(context, notification)
  await notifier.close()
  await expect.poll(() => lines, { timeout: 5000 }).toHaveLength(1)
  const before = tries
  await new Promise((resolve) => setTimeout(resolve, 1200))
  expect(tries).toBe(before)
})

test('log takes a log whose methods want their object, as the real one is', async () => {
  class Wanting {
    readonly written: string[] = []
    info(line: string) {
      this.written.push(`info: ${line}`)
    }
    warning(line: string) {
      this.written.push(`warning: ${line}`)
    }
    error(line: string) {
      this.written.push(`error: ${line}`)
    }
  }
  const wanting = new Wanting()
  const notifier = open(
    ['log'],
    () => memoryDriver(),
    0,
    () => wanting,
  )
  for (const priority of ['info', 'warn', 'error'] as const) notifier.notify(context, { ...notification, priority })
  await notifier.close()
  expect(wanting.written.map((line) => line.split(':')[0])).toEqual(['info', 'warning', 'error'])
})

test('a driver that is not there is refused', () => {
  expect(() => open(['sounds'], () => memoryDriver())).toThrow(ConfigError)
})

describe('routing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'routing-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const routed = (text: string) => {
    const file = join(folder, `${crypto.randomUUID()}.yaml`)
    writeFileSync(file, text)
    return open(['routing'], () => memoryDriver(), 0, log, file)
  }

  const cases: [file: string, event: string, priority: 'info' | 'error', logged: boolean][] = [
    ['', 'a.b', 'info', false],
    ['g: {log: }', 'a.b', 'info', true],
    ['g: {log: {accepted_events: [keypair.*]}}', 'keypair.create', 'info', true],
    ['g: {log: {accepted_events: [keypair.*]}}', 'flavor.create', 'info', false],
    ['g: {log: {accepted_events: ["[!k]?avor.create"]}}', 'flavor.create', 'info', true],
    ['g: {log: {accepted_events: ["a.b"]}}', 'aXb', 'info', false],
    ['g: {log: {accepted_priorities: [ERROR]}}', 'a.b', 'info', false],
    ['g: {log: {accepted_priorities: [ERROR]}}', 'a.b', 'error', true],
    ['g: {log: {accepted_events: [x]}}\nh: {log: {accepted_events: [a.*]}}', 'a.b', 'info', true],
    ['g: {log: , routing: }', 'a.b', 'info', true],
    ['g: {noop: }', 'a.b', 'info', false],
  ]
  test.each(cases)('%j: %s %s', async (file, event, priority, logged) => {
    lines.splice(0)
    const notifier = routed(file)
    notifier.notify(context, { ...notification, event, priority })
    await notifier.close()
    expect(lines.length).toBe(logged ? 1 : 0)
  })

  const bad = ['g: [log]', '[g]', 'g: {log: [x]}', 'g: {log: {accepted_events: x}}', 'g: {sounds: }', 'g: {']
  test.each(bad)('%j is refused', (file) => expect(() => routed(file)).toThrow(ConfigError))
  test('so is a file that is not there', () =>
    expect(() => open(['routing'], () => memoryDriver(), 0, log, '/nonexistent.yaml')).toThrow(/\/nonexistent.yaml cannot be read/))
})
