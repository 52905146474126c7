import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { endpointText } from '../../hosts/address.ts'
import { readHostLine } from './flags.ts'

const folder = mkdtempSync(join(tmpdir(), 'host-flags-'))
afterAll(() => rmSync(folder, { recursive: true }))
const ini = join(folder, 'api.ini')
writeFileSync(ini, '[uwsgi]\nhttp = 127.0.0.1:8774\nmodule = nova.wsgi.osapi_compute:application\nprocesses = 4\nstats = :1717\n')

const read = (line: string, env = {}) => readHostLine(line.split(' ').filter(Boolean), env)
const listening = (line: string, env = {}) => read(line, env).settings.listen.map(endpointText)

describe('where it listens', () => {
  const rows: [string, Record<string, string>, string[]][] = [
    ['nova.wsgi.osapi_compute', {}, ['http://127.0.0.1:8774']],
    ['nova.wsgi.metadata', {}, ['http://127.0.0.1:8775']],
    ['m', { LISTEN_FDS: '2' }, ['http:systemd:0', 'http:systemd:1']],
    ['m --listen uwsgi:/run/a', { LISTEN_FDS: '2' }, ['uwsgi:/run/a']],
    ['m --listen http:1 --listen https:2 --cert c --key k', {}, ['http://0.0.0.0:1', 'https://0.0.0.0:2']],
    [`--ini ${ini}`, {}, ['http://127.0.0.1:8774']],
    [`--ini ${ini} --listen http:9`, {}, ['http://0.0.0.0:9']],
  ]
  for (const [line, env, expected] of rows) test(line.replace(folder, ''), () => expect(listening(line, env)).toEqual(expected))
})

describe('flags beat the file', () => {
  test('and the rest of the file counts', () => {
    const { settings, notices } = read(`--ini ${ini} --workers 2 --access-log json --skip-agent ^x`)
    expect(settings).toMatchObject({ module: 'nova.wsgi.osapi_compute', workers: 2 })
    expect(settings.accessLog).toEqual({ form: 'json', skipAgents: ['^x'], forwardedFor: false })
    expect(notices).toEqual([`${ini}: stats is not spoken: --metrics gives Prometheus metrics`])
  })

  test('the log may be switched off', () => {
    expect(read(`--ini ${ini}`).settings.accessLog?.form).toBe('uwsgi')
    expect(read(`--ini ${ini} --access-log off`).settings.accessLog).toBe(null)
    expect(read('m').settings.accessLog).toBe(null)
  })

  test('what stands behind -- is the application’s', () => {
    expect(read('m --workers 1 -- --config-file /a --debug').settings.arguments).toEqual(['--config-file', '/a', '--debug'])
  })

  test('all of them', () => {
    const line =
      'm --prefix /compute --drain 5 --keep-alive 6 --receive-timeout 7 --max-requests 8 --socket-mode 660 --metrics 127.0.0.1:9 --health /h'
    expect(
      read(`${line} --server-timing --user u --group g --pid-file p --tether --service-log json --log-file l --header A:b`).settings,
    ).toMatchObject({
      ...{ prefix: '/compute', drainSeconds: 5, keepAliveSeconds: 6, receiveSeconds: 7, maxRequests: 8, socketMode: 0o660 },
      ...{
        metrics: { kind: 'tcp', host: '127.0.0.1', port: 9 },
        healthPath: '/h',
        serverTiming: true,
        user: 'u',
        group: 'g',
        pidFile: 'p',
      },
      ...{ tether: true, serviceLog: 'json', logFile: 'l', headers: [['A', 'b']] },
    })
  })
})

describe('with chdir, other paths stay those of where the host was started', () => {
  const moved = join(folder, 'moved.ini')
  const secure = 'https = :8774,cert.pem,/key.pem\nsocket = unix:run/api.sock\nlogto = api.log\npidfile = /run/api.pid'
  writeFileSync(moved, `[uwsgi]\nchdir = /srv\nmodule = app.mjs\n${secure}\n`)
  const here = (path: string) => join(process.cwd(), path)

  test('of the file', () =>
    expect(read(`--ini ${moved}`).settings).toMatchObject({
      ...{ directory: '/srv', module: 'app.mjs', logFile: here('api.log'), pidFile: '/run/api.pid' },
      listen: [
        { certificate: { certificate: here('cert.pem'), key: '/key.pem' } },
        { protocol: 'uwsgi', address: { kind: 'unix', path: here('run/api.sock') } },
      ],
    }))

  test('of flags laid over it', () => {
    const line = '--listen http:unix:a.sock --listen http:@name --listen https:1 --cert c --key k --client-ca /ca --metrics unix:m.sock'
    expect(read(`--ini ${moved} ${line} --log-file l --pid-file p`).settings).toMatchObject({
      ...{ logFile: here('l'), pidFile: here('p'), metrics: { kind: 'unix', path: here('m.sock') } },
      listen: [
        { address: { kind: 'unix', path: here('a.sock') } },
        { address: { kind: 'unix', path: '@name' } },
        { certificate: { certificate: here('c'), key: here('k'), clientAuthority: '/ca' } },
      ],
    })
  })

  test('and the path of a socket that gets too long is refused', () => {
    const room = 107 - here('/').length
    expect(() => read(`--ini ${moved} --listen http:unix:${'x'.repeat(room)}`)).not.toThrow()
    expect(() => read(`--ini ${moved} --listen http:unix:${'x'.repeat(room + 1)}`)).toThrow('longer than the 107 bytes')
  })
})

describe('what cannot be followed', () => {
  const rows: [string, string][] = [
    ['', 'host needs the module'],
    ['a b', 'host takes one module, not a and b'],
    ['m --listen nowhere', 'nowhere is no address'],
    ['m --listen https:1', 'https:1 needs --cert and --key'],
    ['m --workers x', '--workers takes a number from 0 to 512, not x'],
    ['m --workers 513', '--workers takes a number from 0 to 512, not 513'],
    ['m --prefix compute', '--prefix begins with a slash'],
    ['m --access-log loud', '--access-log is uwsgi, combined, json, oslo, off or a format'],
    ['m --skip-agent (', '--skip-agent: Invalid regular expression'],
    ['m --socket-mode 9', '--socket-mode takes three octal digits'],
    ['m --service-log xml', '--service-log is oslo or json'],
    ['m --nonsense', "Unknown option '--nonsense'"],
    ['--ini /nowhere.ini', 'there is no file /nowhere.ini'],
    ['--ini /', '/ is a directory, and no file'],
    ['m --worker 2', 'did you mean --workers?'],
  ]
  for (const [line, message] of rows) test(line || 'nothing', () => expect(() => read(line)).toThrow(message))
})
