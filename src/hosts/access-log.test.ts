import { describe, expect, test } from 'vitest'
import { text } from '../app/contract.ts'
import { type Asked, ask } from '../app/testing.ts'
import { type AccessLogSettings, accessLog } from './access-log.ts'
import { watched } from './exchange.ts'
import { serviceLog } from './service-log.ts'

async function lines(settings: Partial<AccessLogSettings>, line: string, asked: Asked = {}): Promise<string> {
  let out = ''
  const times = [1000, 1012.3456]
  const watcher = accessLog({
    ...{ form: 'uwsgi', skipAgents: [], forwardedFor: false, pid: 42, worker: 3 },
    ...settings,
    sink: { write: (more) => void (out += more) },
  })
  const filter = watched([watcher], { now: () => new Date(2026, 10, 2, 6, 1, 5), elapsed: () => times.shift()! })
  const app = filter(async ({ environ }) => {
    Object.assign(environ, { microversion: '2.1', requestId: 'req-1' })
    return text(200, 'hello', [['A', 'b']])
  })
  await app(ask(line, { protocol: 'HTTP/1.1', rawHeaders: ['Host', 'x'], ...asked }))
  return out
}

/** ansible/roles/common/templates/conf/input/13-uwsgi.conf.j2 of kolla-ansible, in this language. */
const fluentd =
  /^(?:\[pid: (?<Pid>\d+)\|app: (?<App>\d+)\|req: (?<Req>\d+\/\d+)\] (?<Address>\S+) \((?<User>\w*)\) \{(?<Vars>\d+) vars +in (?<Bytes>\d+) bytes\} \[(?<Timestamp>\w+ \w+\s+\d+ \d+:\d+:\d+ \d+)\] )?(?<Payload>.*)$/

describe('forms', () => {
  test('uwsgi, as the pipeline of kolla-ansible reads it', async () => {
    const line = await lines({}, 'GET /v2.1/servers?limit=1')
    expect(line).toBe(
      '[pid: 42|app: 0|req: 1/1] 127.0.0.1 () {11 vars in 34 bytes} [Mon Nov  2 06:01:05 2026] GET /v2.1/servers?limit=1 => generated 5 bytes in 12 msecs (HTTP/1.1 200) 1 headers in 6 bytes (1 switches on core 0)\n',
    )
    expect(fluentd.exec(line.trim())!.groups).toMatchObject({
      Pid: '42',
      Req: '1/1',
      Address: '127.0.0.1',
      Timestamp: 'Mon Nov  2 06:01:05 2026',
      Payload: expect.stringMatching(/^GET \/v2\.1\/servers/),
    })
  })

  test('combined', async () => {
    const line = await lines({ form: 'combined' }, 'GET /a"b', { headers: { 'user-agent': 'c\\l"i', referer: 'r' } })
    expect(line).toMatch(
      /^127\.0\.0\.1 - - \[02\/Nov\/2026:06:01:05 [+-]\d{4}\] "GET \/a\\"b HTTP\/1\.1" 200 5 "r" "c\\\\l\\"i" 12346us\n$/,
    )
  })

  test('json', async () => {
    const record = JSON.parse(await lines({ form: 'json' }, 'POST /x', { scriptName: '/compute' }))
    expect(record).toMatchObject({
      ...{ pid: 42, worker: 3, method: 'POST', uri: '/compute/x', status: 200, bytes: 5, seconds: 0.012346 },
      ...{ microversion: '2.1', request_id: 'req-1', remote_address: '127.0.0.1', user_agent: null },
    })
  })

  test('oslo', async () => {
    expect(await lines({ form: 'oslo' }, 'GET /a%20b')).toBe('127.0.0.1 "GET /a b" status: 200 len: 5 microversion: 2.1 time: 0.012346\n')
  })

  const formats: [string, string][] = [
    [
      '%(method) %(uri) => generated %(rsize) bytes in %(msecs) msecs (%(proto) %(status))',
      'GET /x => generated 5 bytes in 12 msecs (HTTP/1.1 200)',
    ],
    ['%(addr) %(pid) %(wid) %(micros) %(host)', '127.0.0.1 42 3 12346 nova.example:8774'],
    ['%(var.HTTP_X_TRACE) %(var.HTTP_NOT_THERE)', 't-1 -'],
    ['%(var.HTTP_X_AUTH_TOKEN) %(var.HTTP_AUTHORIZATION)', '*** ***'],
    ['plain', 'plain'],
  ]
  for (const [form, expected] of formats)
    test(form, async () => {
      expect(await lines({ form }, 'GET /x', { headers: { host: 'nova.example:8774', 'x-trace': 't-1', 'x-auth-token': 'secret' } })).toBe(
        `${expected}\n`,
      )
    })

  test('an unknown place is refused', async () => {
    await expect(lines({ form: '%(nobody)' }, 'GET /')).rejects.toThrow('%(nobody) is no place of a log format')
  })
})

describe('who asks', () => {
  test('is whom X-Forwarded-For names, when asked for', async () => {
    const headers = { 'x-forwarded-for': '10.0.0.1, 10.0.0.2' }
    expect(await lines({ form: '%(addr)' }, 'GET /', { headers })).toBe('127.0.0.1\n')
    expect(await lines({ form: '%(addr)', forwardedFor: true }, 'GET /', { headers })).toBe('10.0.0.1\n')
  })

  test('may be left out', async () => {
    const skipAgents = ['^osa-haproxy-healthcheck$']
    expect(await lines({ skipAgents }, 'HEAD /', { headers: { 'user-agent': 'osa-haproxy-healthcheck' } })).toBe('')
    expect(await lines({ skipAgents }, 'HEAD /', { headers: { 'user-agent': 'osa-haproxy-healthcheck2' } })).not.toBe('')
  })

  test('forges no line', async () => {
    expect(await lines({ form: '%(uagent)' }, 'GET /', { headers: { 'user-agent': 'a\nb\x1b[2J' } })).toBe('a\\x0ab\\x1b[2J\n')
  })
})

describe('what a host says of itself', () => {
  const now = () => new Date(2026, 10, 2, 6, 1, 5, 7)
  const said = (form: 'oslo' | 'json', message: string) => {
    let out = ''
    serviceLog({ form, sink: { write: (more) => void (out += more) }, pid: 42, now })('INFO', message)
    return out
  }
  test('as oslo.log writes', () => expect(said('oslo', 'up')).toBe('2026-11-02 06:01:05.007 42 INFO nova.host [-] up\n'))
  test('in JSON', () =>
    expect(JSON.parse(said('json', 'up'))).toMatchObject({ pid: 42, level: 'INFO', logger: 'nova.host', message: 'up' }))
  test('holds no secrets', () => expect(said('oslo', 'connection password=pw')).toContain('password=***'))
})
