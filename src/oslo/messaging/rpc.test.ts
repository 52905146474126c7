import { afterEach, describe, expect, test, vi } from 'vitest'
import type { RequestContext } from '../context.ts'
import type { Driver } from './driver.ts'
import { type Message, seal, unseal } from './envelope.ts'
import { isRemote, RemoteError } from './failure.ts'
import { memoryDriver } from './local/in-process.ts'
import { type RpcClient, rpcClient } from './rpc-client.ts'
import { type Endpoint, pingEndpoint, type RpcServer, rpcServer } from './rpc-server.ts'
import { openTransport } from './transport.ts'

const context: RequestContext = {
  userId: 'a1',
  userName: 'ann',
  projectId: 'b2',
  projectName: 'shop',
  domainId: null,
  domainName: null,
  userDomainId: 'default',
  projectDomainId: 'default',
  systemScope: null,
  roles: ['member', 'reader'],
  isAdmin: false,
  isAdminProject: true,
  token: 'gAAA',
  serviceToken: 'service',
  serviceUserId: 's',
  serviceProjectId: 'sp',
  serviceRoles: ['service'],
  catalog: [
    { type: 'identity', name: 'keystone', endpoints: [{ region: 'one', publicURL: 'http://k' }] },
    { type: 'network', name: 'neutron', endpoints: [{ region: 'one', publicURL: 'http://n', internalURL: 'http://n' }] },
  ],
  requestId: 'req-1',
  globalRequestId: null,
  remoteAddress: '127.0.0.1',
  timestamp: '2026-03-01T10:00:00.25',
  readDeleted: 'no',
}

const open: (Driver | RpcClient | RpcServer)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const thing of open.splice(0).reverse()) await ('stop' in thing ? thing.stop() : thing.close())
})
const keep = <T extends Driver | RpcClient | RpcServer>(thing: T): T => {
  open.push(thing)
  return thing
}

interface House {
  client: RpcClient
  driver: Driver
  reported: string[]
}

async function house(endpoints: Endpoint[], responseTimeoutMs = 2_000): Promise<House> {
  const driver = keep(memoryDriver())
  const reported: string[] = []
  const report = (error: unknown, method: string) => void reported.push(`${method}: ${(error as Error).message}`)
  keep(await rpcServer({ driver, topic: 'compute', server: 'h1', endpoints, report }))
  return { client: keep(rpcClient(driver, { responseTimeoutMs })), driver, reported }
}

/** All that comes to an address, unsealed. */
async function tap(driver: Driver, topic: string, server?: string): Promise<Message[]> {
  const messages: Message[] = []
  await driver.consume({ kind: 'topic', topic, ...(server === undefined ? {} : { server }) }, 100, (incoming) => {
    messages.push(unseal(incoming.body))
    incoming.acknowledge()
  })
  return messages
}

const compute = { topic: 'compute', server: 'h1', version: '6.0' }

describe('the wire', () => {
  test('a cast carries what Nova puts into one', async () => {
    const driver = keep(memoryDriver())
    const messages = await tap(driver, 'conductor')
    let ids = 0
    const client = keep(rpcClient(driver, { newId: () => `id${ids++}` }))
    const target = { topic: 'conductor', namespace: 'compute_task', version: '1.17' }
    await client.cast(target, { ...context, isAdmin: true }, 'schedule_and_build_instances', { tags: [] })
    await vi.waitFor(() => expect(messages).toHaveLength(1))
    expect(messages[0]).toEqual({
      method: 'schedule_and_build_instances',
      args: { tags: [] },
      namespace: 'compute_task',
      version: '1.17',
      _unique_id: 'id1',
      _context_user: 'a1',
      _context_project_id: 'b2',
      _context_system_scope: null,
      _context_project: 'b2',
      _context_domain: null,
      _context_user_domain: 'default',
      _context_project_domain: 'default',
      _context_is_admin: true,
      _context_read_only: false,
      _context_show_deleted: false,
      _context_auth_token: 'gAAA',
      _context_request_id: 'req-1',
      _context_global_request_id: null,
      _context_resource_uuid: null,
      _context_roles: ['member', 'reader'],
      _context_user_identity: 'a1 b2 - default default',
      _context_is_admin_project: true,
      _context_user_id: 'a1',
      _context_read_deleted: 'no',
      _context_remote_address: '127.0.0.1',
      _context_timestamp: '2026-03-01T10:00:00.250000',
      _context_quota_class: null,
      _context_user_name: 'ann',
      _context_service_catalog: [context.catalog[1]],
      _context_project_name: 'shop',
    })
  })

  test('the envelope is JSON text inside JSON', async () => {
    const driver = keep(memoryDriver())
    const bodies: string[] = []
    await driver.consume({ kind: 'topic', topic: 'conductor' }, 1, ({ body }) => bodies.push(body))
    await keep(rpcClient(driver)).cast({ topic: 'conductor' }, context, 'ping', {})
    await vi.waitFor(() => expect(bodies).toHaveLength(1))
    const outer = JSON.parse(bodies[0]!)
    expect(Object.keys(outer)).toEqual(['oslo.version', 'oslo.message'])
    expect(outer['oslo.version']).toBe('2.0')
    expect(JSON.parse(outer['oslo.message'])).toMatchObject({ method: 'ping', args: {} })
    expect(JSON.parse(outer['oslo.message'])).not.toHaveProperty('version')
    expect(JSON.parse(outer['oslo.message'])).not.toHaveProperty('namespace')
  })

  test('a call names where the answer goes, and how long a silence may be', async () => {
    const driver = keep(memoryDriver())
    const messages = await tap(driver, 'compute', 'h1')
    const client = keep(rpcClient(driver))
    const calls = [
      client.call(compute, context, 'get_diagnostics', {}, { timeoutMs: 50 }),
      client.call(compute, context, 'get_diagnostics', {}, { timeoutMs: 50, monitorMs: 60_000 }),
    ]
    await Promise.allSettled(calls)
    expect(messages.map(({ _timeout }) => _timeout)).toEqual([null, 60])
    expect(messages[0]!._msg_id).toMatch(/^[0-9a-f]{32}$/)
    expect(messages[0]!._reply_q).toMatch(/^reply_[0-9a-f]{32}$/)
    expect(messages[1]!._reply_q).toBe(messages[0]!._reply_q)
    expect(messages[1]!._msg_id).not.toBe(messages[0]!._msg_id)
  })

  test('an answer is result, failure and ending', async () => {
    const { driver } = await house([{ version: '6.0', methods: { ok: () => ({ uptime: '1 day' }), nothing: () => undefined } }])
    const replies: Message[] = []
    await driver.consume({ kind: 'reply', queue: 'reply_x' }, 9, ({ body }) => replies.push(unseal(body)))
    for (const method of ['ok', 'nothing'])
      await driver.publish(
        { kind: 'topic', topic: 'compute' },
        {
          id: method,
          durable: false,
          body: seal({ method, args: {}, version: '6.0', _unique_id: method, _msg_id: `m-${method}`, _reply_q: 'reply_x', _timeout: null }),
        },
      )
    await vi.waitFor(() => expect(replies).toHaveLength(2))
    const id = expect.stringMatching(/^[0-9a-f]{32}$/)
    expect(replies).toEqual([
      { result: { uptime: '1 day' }, failure: null, ending: true, _msg_id: 'm-ok', _unique_id: id },
      { result: null, failure: null, ending: true, _msg_id: 'm-nothing', _unique_id: id },
    ])
  })
})

describe('the context travels', () => {
  const lost = { serviceToken: null, serviceUserId: null, serviceProjectId: null, serviceRoles: [], domainName: null }
  const rows: [name: string, sent: Partial<RequestContext>, received: Partial<RequestContext>][] = [
    ['as it is, but for what stays home', {}, { catalog: [context.catalog[1]!], timestamp: '2026-03-01T10:00:00.250000' }],
    ['an admin who sees deleted rows', { isAdmin: true, readDeleted: 'yes' }, { isAdmin: true, readDeleted: 'yes' }],
    ['only deleted rows', { readDeleted: 'only' }, { readDeleted: 'only' }],
    ['system scope', { systemScope: 'all', projectId: null }, { systemScope: 'all', projectId: null }],
    ['a time without a fraction', { timestamp: '2026-03-01 10:00:00' }, { timestamp: '2026-03-01T10:00:00.000000' }],
    ['not the admin project', { isAdminProject: false, roles: [] }, { isAdminProject: false, roles: [] }],
  ]
  for (const [name, sent, received] of rows)
    test(name, async () => {
      let seen: RequestContext | undefined
      const { client } = await house([{ version: '6.0', methods: { look: (context) => void (seen = context) } }])
      await client.call(compute, { ...context, ...sent }, 'look', {})
      const same = { catalog: [context.catalog[1]!], timestamp: '2026-03-01T10:00:00.250000' }
      expect(seen).toEqual({ ...context, ...lost, ...same, ...sent, ...received })
    })
})

describe('which method runs', () => {
  const endpoints: Endpoint[] = [
    { version: '6.4', methods: { where: () => 'main 6', only6: () => 6, _hidden: () => 'hidden' } },
    { version: '5.13', methods: { where: () => 'main 5', only5: () => 5 } },
    { namespace: 'baseapi', legacyNamespaces: ['base'], version: '1.1', methods: { ping: () => 'pong' } },
    { namespace: 'old', methods: { where: () => 'unversioned' } },
    pingEndpoint,
  ]
  const unsupported = (version: string, method: string) => [
    'UnsupportedVersion',
    `Endpoint does not support RPC version ${version}. Attempted method: ${method}`,
  ]
  const missing = (method: string) => ['NoSuchMethod', `Endpoint does not support RPC method ${method}`]
  const rows: [method: string, version: string | undefined, namespace: string | undefined, outcome: unknown][] = [
    ['where', '6.4', undefined, 'main 6'],
    ['where', '6.5', undefined, unsupported('6.5', 'where')],
    ['where', '5.13', undefined, 'main 5'],
    ['where', '5.14', undefined, unsupported('5.14', 'where')],
    ['where', '4.0', undefined, unsupported('4.0', 'where')],
    ['where', undefined, undefined, missing('where')],
    ['oslo_rpc_server_ping', undefined, undefined, 'pong'],
    ['only6', '5.0', undefined, missing('only6')],
    ['only5', '5.0', undefined, 5],
    ['_hidden', '6.0', undefined, missing('_hidden')],
    ['toString', '6.0', undefined, missing('toString')],
    ['ping', '1.1', 'baseapi', 'pong'],
    ['ping', '1.1', 'base', 'pong'],
    ['ping', '1.2', 'baseapi', unsupported('1.2', 'ping')],
    ['ping', '6.0', undefined, missing('ping')],
    ['ping', '1.0', 'nowhere', unsupported('1.0', 'ping')],
    ['where', undefined, 'old', 'unversioned'],
    ['where', '1.0', 'old', 'unversioned'],
    ['where', '1.1', 'old', unsupported('1.1', 'where')],
  ]
  for (const [method, version, namespace, outcome] of rows)
    test(`${namespace ?? 'main'} ${method} ${version}`, async () => {
      const { client } = await house(endpoints)
      const options = { ...(version === undefined ? {} : { version }), ...(namespace === undefined ? {} : { namespace }) }
      const answer = client.call({ topic: 'compute' }, context, method, {}, options)
      const seen = await answer.catch((error) => [error.className, error.message])
      expect(seen).toEqual(outcome)
    })
})

describe('failures', () => {
  const notFound = new RemoteError({
    className: 'InstanceNotFound',
    module: 'nova.exception',
    message: 'Instance 7 could not be found.',
    kwargs: { instance_id: '7', code: 404 },
  })
  const endpoints: Endpoint[] = [
    {
      version: '6.0',
      expected: { expected: ['InstanceNotFound'] },
      methods: {
        expected: () => Promise.reject(notFound),
        unexpected: () => Promise.reject(notFound),
        own: () => {
          throw new TypeError('x is not a function')
        },
        text: () => Promise.reject('just text'),
        unspeakable: () => 1n,
      },
    },
  ]
  const rows: [method: string, seen: object, reported: string[]][] = [
    ['expected', { className: 'InstanceNotFound', module: 'nova.exception', kwargs: { instance_id: '7', code: 404 } }, []],
    ['unexpected', { message: 'Instance 7 could not be found.' }, ['unexpected: Instance 7 could not be found.']],
    [
      'own',
      { className: 'TypeError', module: 'builtins', message: 'x is not a function', args: ['x is not a function'], trace: [] },
      ['own: x is not a function'],
    ],
    ['text', { className: 'Exception', message: 'just text' }, ['text: undefined']],
    ['unspeakable', { className: 'TypeError' }, []],
  ]
  for (const [method, seen, reported] of rows)
    test(method, async () => {
      const there = await house(endpoints)
      await expect(there.client.call(compute, context, method, {})).rejects.toMatchObject(seen)
      expect(there.reported).toEqual(reported)
    })

  test('of a cast are reported where it ran', async () => {
    const there = await house(endpoints)
    await there.client.cast(compute, context, 'own', {})
    await vi.waitFor(() => expect(there.reported).toEqual(['own: x is not a function']))
  })

  test('are told apart by class', () => {
    expect(isRemote(notFound, 'InstanceNotFound', 'X')).toBe(true)
    expect(isRemote(notFound, 'X')).toBe(false)
    expect(isRemote(new TypeError('InstanceNotFound'), 'TypeError')).toBe(false)
  })

  const python = {
    class: 'ConsoleTypeInvalid',
    module: 'nova.exception',
    message: 'Invalid',
    args: ['Invalid'],
    kwargs: { a: 1 },
    tb: ['l1', 'l2'],
  }
  const texts: [text: unknown, seen: object][] = [
    [JSON.stringify(python), { className: 'ConsoleTypeInvalid', message: 'Invalid', kwargs: { a: 1 }, trace: ['l1', 'l2'] }],
    ['not JSON', { className: 'RemoteError', message: 'a failure that cannot be read', args: ['a failure that cannot be read'] }],
    ['[1]', { className: 'RemoteError' }],
    [{ class: 'X' }, { className: 'RemoteError' }],
  ]
  for (const [failure, seen] of texts)
    test(`on the wire: ${String(failure).slice(0, 30)}`, async () => {
      const driver = keep(memoryDriver())
      await answerWith(driver, (call) => [{ failure, result: null, ending: true, _msg_id: call._msg_id! }])
      await expect(keep(rpcClient(driver)).call(compute, context, 'm', {})).rejects.toMatchObject(seen)
    })
})

/** A server made by hand: `answers` says what is sent to the reply queue, in order. */
async function answerWith(driver: Driver, answers: (call: Message) => Message[]): Promise<void> {
  let id = 0
  await driver.consume({ kind: 'topic', topic: 'compute', server: 'h1' }, 9, async (incoming) => {
    incoming.acknowledge()
    const call = unseal(incoming.body)
    for (const answer of answers(call))
      await driver.publish({ kind: 'reply', queue: String(call._reply_q) }, { id: `driver${id++}`, durable: false, body: seal(answer) })
  })
}

describe('answers', () => {
  const end = (call: Message, result: unknown, uniqueId: string): Message => ({
    result,
    failure: null,
    ending: true,
    _msg_id: call._msg_id!,
    _unique_id: uniqueId,
  })

  test('many calls at once get each its own', async () => {
    const { client } = await house([{ version: '6.0', methods: { echo: (_context, { n }) => n } }])
    const numbers = [...Array(50).keys()]
    expect(await Promise.all(numbers.map((n) => client.call(compute, context, 'echo', { n })))).toEqual(numbers)
  })

  test('of somebody else, late ones and ones seen before are dropped', async () => {
    const driver = keep(memoryDriver())
    let calls = 0
    await answerWith(driver, (call) => {
      calls++
      if (calls === 1) return [end({ _msg_id: 'unknown' }, 'lost', 'u0'), end(call, 'first', 'u1'), end(call, 'again', 'u2')]
      // the same unique id as an answer that was taken: the broker sent it twice
      return [end(call, 'stale', 'u1'), end(call, 'second', 'u3')]
    })
    const client = keep(rpcClient(driver))
    expect(await client.call(compute, context, 'm', {})).toBe('first')
    expect(await client.call(compute, context, 'm', {})).toBe('second')
  })

  test('that come too late are a timeout', async () => {
    let finish = (_: unknown) => {}
    const { client, driver } = await house([
      { version: '6.0', methods: { slow: () => new Promise((resolve) => (finish = resolve)), quick: () => 'quick' } },
    ])
    const call = client.call(compute, context, 'slow', {}, { timeoutMs: 30 })
    await expect(call).rejects.toMatchObject({ name: 'MessagingTimeout', message: expect.stringContaining('slow') })
    finish('late')
    expect(await client.call(compute, context, 'quick', {})).toBe('quick')
    await driver.close()
  })

  test('a call that nobody takes in time is not delivered afterwards', async () => {
    const driver = keep(memoryDriver())
    const client = keep(rpcClient(driver))
    await expect(client.call(compute, context, 'm', {}, { timeoutMs: 20 })).rejects.toMatchObject({ name: 'MessagingTimeout' })
    // the caller's clock began before the message's
    await new Promise((resolve) => setTimeout(resolve, 20))
    await client.cast(compute, context, 'later', {})
    const messages = await tap(driver, 'compute', 'h1')
    await vi.waitFor(() => expect(messages.map(({ method }) => method)).toEqual(['later']))
  })

  test('waiting calls fail when the client closes, later ones at once', async () => {
    const { client } = await house([{ version: '6.0', methods: { never: () => new Promise(() => {}) } }])
    // the server of this house would wait for its method for ever
    open.splice(open.length - 2, 1)
    const waiting = client.call(compute, context, 'never', {}).catch((error) => error.name)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await client.close()
    expect(await waiting).toBe('MessageDeliveryFailure')
    await expect(client.cast(compute, context, 'never', {})).rejects.toMatchObject({ name: 'MessageDeliveryFailure' })
  })
})

describe('without a broker', () => {
  const asks: [what: string, ask: (client: RpcClient) => Promise<unknown>][] = [
    ['a cast', (client) => client.cast(compute, context, 'm', {})],
    ['a fan-out', (client) => client.fanout(compute, context, 'm', {})],
    ['a call', (client) => client.call(compute, context, 'm', {})],
    ['a call that may take long', (client) => client.call(compute, context, 'm', {}, { timeoutMs: 1_800_000, monitorMs: 60_000 })],
  ]
  for (const [what, ask] of asks)
    test(`${what} fails soon`, async () => {
      const driver = keep(openTransport('local:///nowhere/at/all.sock'))
      const client = keep(rpcClient(driver, { sendTimeoutMs: 50 }))
      await expect(ask(client)).rejects.toMatchObject({ name: 'MessageDeliveryFailure', message: expect.stringContaining('within 50 ms') })
    }, 2_000)
})

describe('signs of life', () => {
  const setup = async (monitorMs: number) => {
    let finish = (_: unknown) => {}
    const there = await house([{ version: '6.0', methods: { slow: () => new Promise((resolve) => (finish = resolve)) } }])
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const outcome = there.client.call(compute, context, 'slow', {}, { timeoutMs: 20_000, monitorMs }).catch((error) => error.name)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    return { ...there, outcome, finish: (value: unknown) => finish(value) }
  }
  const pass = async (ms: number) => {
    for (let gone = 0; gone < ms; gone += 250) {
      await vi.advanceTimersByTimeAsync(250)
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  test('keep a long call alive far beyond the silence it bears', async () => {
    const { outcome, finish } = await setup(2_000)
    await pass(9_000)
    finish('done')
    expect(await outcome).toBe('done')
  })

  test('that fail to come end the call', async () => {
    const driver = keep(memoryDriver())
    await answerWith(driver, () => [])
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const outcome = keep(rpcClient(driver)).call(compute, context, 'm', {}, { timeoutMs: 60_000, monitorMs: 2_000 })
    const name = outcome.catch((error) => error.name)
    await pass(2_500)
    expect(await name).toBe('MessagingTimeout')
  })

  test('do not stretch the whole time', async () => {
    const { outcome, finish } = await setup(2_000)
    await pass(20_500)
    expect(await outcome).toBe('MessagingTimeout')
    finish('late')
  })
})

describe('the server', () => {
  test('is reached by topic, by host and by fan-out, and not by the name of another host', async () => {
    const driver = keep(memoryDriver())
    const done: string[] = []
    for (const server of ['h1', 'h2'])
      keep(
        await rpcServer({
          driver,
          topic: 'scheduler',
          server,
          report: () => {},
          endpoints: [{ version: '4.0', methods: { note: (_context, { what }) => void done.push(`${what} on ${server}`) } }],
        }),
      )
    const client = keep(rpcClient(driver))
    const target = { topic: 'scheduler', version: '4.0' }
    await client.fanout(target, context, 'note', { what: 'fanout' })
    await client.cast({ ...target, server: 'h2' }, context, 'note', { what: 'host' })
    await client.cast({ ...target, server: 'h3' }, context, 'note', { what: 'nobody' })
    await client.cast(target, context, 'note', { what: 'topic' })
    await client.cast(target, context, 'note', { what: 'topic' })
    await vi.waitFor(() => expect(done).toHaveLength(5))
    expect(done.sort()).toEqual(['fanout on h1', 'fanout on h2', 'host on h2', 'topic on h1', 'topic on h2'])
  })

  test('runs a message that comes twice once, and says what cannot be read', async () => {
    let runs = 0
    const { driver, reported } = await house([{ version: '6.0', methods: { count: () => void runs++ } }])
    const to = { kind: 'topic', topic: 'compute' } as const
    const message = { method: 'count', args: {}, version: '6.0', _unique_id: 'u' }
    for (const id of ['a', 'b']) await driver.publish(to, { id, durable: true, body: seal(message) })
    for (const [id, body] of [
      ['c', 'no JSON'],
      ['d', '[]'],
      ['e', '{"oslo.version":"3.0","oslo.message":"{}"}'],
      ['f', '{"oslo.version":"2.1","oslo.message":"{}"}'],
    ] as const)
      await driver.publish(to, { id, durable: true, body })
    // without an envelope, as in oslo.messaging's first form
    await driver.publish(to, { id: 'g', durable: true, body: JSON.stringify({ ...message, _unique_id: 'v' }) })
    await vi.waitFor(() => expect(runs).toBe(2))
    expect(reported).toEqual([
      ': a message is not JSON',
      ': a message is not a JSON object',
      ': envelope version 3.0 is not known',
      ': envelope version 2.1 is not known',
    ])
  })

  test('stops when what it works on is done', async () => {
    const driver = keep(memoryDriver())
    let finish = () => {}
    const done: string[] = []
    const methods = { slow: () => new Promise<void>((resolve) => (finish = resolve)).then(() => done.push('slow')) }
    const server = await rpcServer({ driver, topic: 't', server: 'h', report: () => {}, endpoints: [{ methods }] })
    const client = keep(rpcClient(driver))
    await client.cast({ topic: 't' }, context, 'slow', {})
    await new Promise((resolve) => setTimeout(resolve, 20))
    const stopped = server.stop().then(() => done.push('stopped'))
    await client.cast({ topic: 't' }, context, 'slow', {})
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(done).toEqual([])
    finish()
    await stopped
    expect(done).toEqual(['slow', 'stopped'])
  })
})
