/** The life of `nova-ts host` as a process: signals, workers that come and go, systemd, certificates, users, and its end. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import tls from 'node:tls'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { until } from '../support/until.ts'
import { signCertificate } from './certificates.ts'
import { loadHead, loadRow, runScenario, scenarios } from './load.ts'
import { echoModule, endAll, ownHost, root } from './own.ts'
import { ask, connect } from './wire.ts'

// each starts processes, on machines that may be busy
vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'host-life-'))
afterAll(() => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
})
const there = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
const get = (port: number, path: string) => ask({ port }, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
const pidOf = async (port: number): Promise<number> => JSON.parse((await get(port, '/pid')).body).pid

describe.concurrent('a host without workers', () => {
  test('reads certificates again on SIGHUP, and keeps those before when the new ones cannot be used', async () => {
    const place = join(folder, 'certificates')
    mkdirSync(place)
    const { cert, key } = signCertificate(place, 'first')
    const port = await freePorts(1)
    const host = ownHost([echoModule, '--listen', `https://127.0.0.1:${port}`, '--cert', cert, '--key', key])
    await host.says(/serving/)
    const name = () =>
      new Promise<string | undefined>((resolve, reject) => {
        const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN))
          socket.destroy()
        })
        socket.on('error', reject)
      })
    expect(await name()).toBe('first')
    signCertificate(place, 'second')
    host.child.kill('SIGHUP')
    await host.says(/have been read again/)
    expect(await name()).toBe('second')
    writeFileSync(cert, 'nonsense')
    host.child.kill('SIGHUP')
    await host.says(/certificates are kept as they were/)
    expect(await name()).toBe('second')
    expect(await host.end()).toBe(0)
  })

  test('answers what is under way when it is told to end, says that it leaves, and ends', async () => {
    const port = await freePorts(1)
    const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`, '--health', '/healthcheck', '--server-timing'])
    await host.says(/serving/)
    const [busy, kept] = [await connect({ port }), await connect({ port })]
    kept.send('GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n')
    expect((await kept.answer()).status).toBe(200)
    busy.send('GET /slow/700 HTTP/1.1\r\nHost: x\r\n\r\n')
    await delay(100)
    const over = host.end()
    await host.says(/told to end/)
    // who has a connection may still ask, once
    kept.send('GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n')
    const last = await kept.answer()
    expect([last.status, last.headers.find(([name]) => name === 'Connection')?.[1]]).toEqual([503, 'close'])
    await expect(connect({ port })).rejects.toThrow('ECONNREFUSED')
    const answer = await busy.answer()
    expect([answer.body, answer.headers.some(([name, value]) => name === 'Server-Timing' && /^app;dur=7\d\d/.test(value))]).toEqual([
      '{"end":"done"}',
      true,
    ])
    expect(await over).toBe(0)
    expect(host.output()).toMatch(/ INFO nova\.host \[-\] \S+echo\.ts has ended \(exit status 0\)\n$/)
  })

  test('cuts what takes longer than it was given, and ends at once at a second signal', async () => {
    const port = await freePorts(1)
    const begin = async (drain: string) => {
      const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`, '--drain', drain])
      await host.says(/serving/)
      const busy = await connect({ port })
      busy.send('GET /slow/9000 HTTP/1.1\r\nHost: x\r\n\r\n')
      await delay(100)
      return host
    }
    const patient = await begin('1')
    const start = performance.now()
    expect(await patient.end()).toBe(0)
    expect(performance.now() - start).toBeGreaterThan(900)
    const host = await begin('60')
    void host.end()
    await host.says(/told to end/)
    expect(await host.end()).toBe(1)
    expect(host.output()).toMatch(/ ERROR nova\.host \[-\] \S+echo\.ts has ended \(exit status 1\)\n$/)
  })

  test('lets requests finish after an error that nobody caught, then ends with 1', async () => {
    const port = await freePorts(1)
    const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`])
    await host.says(/serving/)
    const over = new Promise((resolve) => host.child.on('exit', resolve))
    const busy = await connect({ port })
    busy.send('GET /slow/1000/busy HTTP/1.1\r\nHost: x\r\n\r\n')
    await until('the request has begun', async () => JSON.parse((await get(port, '/begun/busy')).body).begun as boolean)
    await get(port, '/crash')
    expect((await busy.answer()).body).toBe('{"end":"done"}')
    await host.says(/thrown where nobody catches it/)
    expect(await over).toBe(1)
  })

  test('tethered, ends when standard input does', async () => {
    const host = ownHost([echoModule, '--listen', `http:${join(folder, 'tether.sock')}`, '--tether'], { stdin: 'pipe' })
    await host.says(/serving/)
    const start = performance.now()
    const over = new Promise((resolve) => host.child.on('exit', resolve))
    host.child.stdin!.end()
    expect(await over).toBe(0)
    expect(performance.now() - start).toBeLessThan(2000)
    expect(existsSync(join(folder, 'tether.sock'))).toBe(false)
  })

  test('hands the application its arguments and variables, and writes its number and its logs where it was told', async () => {
    const module = join(folder, 'words.mjs')
    writeFileSync(
      module,
      `export const application = { handle: async () => ({ status: 200, headers: [], body: process.env.NOVA_TS_ARGUMENTS + process.env.WORD }) }`,
    )
    const [ini, log, pid] = ['words.ini', 'words.log', 'words.pid'].map((name) => join(folder, name)) as [string, string, string]
    const port = await freePorts(1)
    writeFileSync(
      ini,
      `[uwsgi]\nhttp = 127.0.0.1:${port}\nwsgi-file = ${module}\npyargv = --config-file /a\nenv = WORD=w\nlogto2 = ${log}\npidfile = ${pid}\nlog-format = %(method) %(uri) %(status)\n`,
    )
    const host = ownHost(['--ini', ini, '--', '--debug'])
    await until('it serves', () => existsSync(log) && readFileSync(log, 'utf8').includes('serving'))
    expect((await get(port, '/x')).body).toBe('["--config-file","/a","--debug"]w')
    expect(readFileSync(pid, 'utf8')).toBe(`${host.pid}\n`)
    await host.end()
    expect(readFileSync(log, 'utf8')).toContain('\nGET /x 200\n')
    expect(existsSync(pid)).toBe(false)
  })
})

describe.concurrent('what keeps a host from starting is told, with status 1', () => {
  const rows: [string, (port: number) => readonly string[], RegExp, number][] = [
    ['a module that is not there', (port) => ['./nowhere.ts', '--listen', `http://127.0.0.1:${port}`], /nowhere\.ts cannot be loaded/, 1],
    [
      'the same, with workers',
      (port) => ['./nowhere.ts', '--listen', `http://127.0.0.1:${port}`, '--workers', '2'],
      /nowhere\.ts cannot be loaded/,
      1,
    ],
    [
      'no certificate',
      (port) => [echoModule, '--listen', `https://127.0.0.1:${port}`, '--cert', '/nowhere', '--key', '/nowhere'],
      /ENOENT.*\/nowhere/,
      1,
    ],
    ['a socket that systemd did not hand over', () => [echoModule, '--listen', 'http:systemd:0'], /systemd handed over 0 sockets/, 1],
    ['a word that is no flag', () => ['--nonsense'], /Unknown option '--nonsense'/, 2],
  ]
  for (const [name, args, message, status] of rows)
    test(name, async () => {
      const host = ownHost(args(await freePorts(1)))
      expect(await new Promise((resolve) => host.child.on('close', resolve))).toBe(status)
      expect(host.output()).toMatch(message)
      expect(host.output()).not.toContain('    at ')
    })

  test('an address in use', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as net.AddressInfo
    const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`])
    await host.says(new RegExp(`127.0.0.1:${port} is in use`))
    server.close()
  })

  test('a UNIX socket in use; one that nobody listens on is replaced', async () => {
    const path = join(folder, 'used.sock')
    const first = ownHost([echoModule, '--listen', `http:${path}`])
    await first.says(/serving/)
    await ownHost([echoModule, '--listen', `http:${path}`]).says(/used\.sock is in use by another process/)
    await first.end('SIGKILL')
    expect(existsSync(path)).toBe(true)
    const second = ownHost([echoModule, '--listen', `http:${path}`, '--socket-mode', '600'])
    await second.says(/serving/)
    expect((await ask({ socketPath: path }, 'GET /echo HTTP/1.0\r\n\r\n')).status).toBe(200)
    await second.end()
  })
})

describe.concurrent('workers', () => {
  test('come back when they are killed, and totals never fall', async () => {
    const port = await freePorts(2)
    const host = ownHost([
      echoModule,
      '--listen',
      `http://127.0.0.1:${port}`,
      '--workers',
      '2',
      '--metrics',
      `127.0.0.1:${port + 1}`,
      '--access-log',
      'json',
    ])
    await host.says(/all 2 workers are ready/)
    const metric = async (pattern: RegExp) => Number(pattern.exec((await get(port + 1, '/metrics')).body)?.[1])
    const total = () => metric(/^nova_http_requests_total\{method="GET",status="200"\} (\d+)$/m)
    for (let i = 0; i < 5; i++) await get(port, '/vary')
    expect(await total()).toBe(5)
    host.child.kill('SIGHUP')
    await host.says(/all workers have been replaced/)
    await get(port, '/vary')
    // those that were replaced may still be about to tell what they counted
    await until('all are counted', async () => (await total()) >= 6)
    expect([await total(), await metric(/^nova_host_reloads_total (\d+)$/m)]).toEqual([6, 1])
    process.kill(await pidOf(port), 'SIGKILL')
    await host.says(/has ended \(SIGKILL\) and is started again in 0 ms/)
    await until('both serve', async () => (await metric(/^nova_host_workers (\d+)$/m)) >= 2)
    expect([await metric(/^nova_host_workers (\d+)$/m), await metric(/^nova_host_worker_restarts_total (\d+)$/m)]).toEqual([2, 1])
    host.child.kill('SIGUSR1')
    await host.says(/2 of 2 workers serve; 1 started again, 1 reloads/)
    expect((await get(port + 1, '/healthcheck')).status).toBe(200)
    expect(await host.end()).toBe(0)
    expect(host.output()).toContain('"uri":"/vary","protocol":"HTTP/1.1","status":200')
    expect(host.output()).toMatch(/ INFO nova\.host \[-\] \S+echo\.ts has ended \(exit status 0\)\n$/)
  })

  test('go on when what was changed cannot start', async () => {
    const module = join(folder, 'changing.mjs')
    writeFileSync(module, `export { application } from ${JSON.stringify(echoModule)}`)
    const port = await freePorts(1)
    const host = ownHost([module, '--listen', `http://127.0.0.1:${port}`, '--workers', '1'])
    await host.says(/the worker is ready/)
    const before = await pidOf(port)
    writeFileSync(module, 'throw new Error("a wrong value")')
    host.child.kill('SIGHUP')
    await host.says(/could not start, so those before go on: .*a wrong value/)
    expect(await pidOf(port)).toBe(before)
    await host.end()
  })

  test('give way after so many requests, and none is lost', async () => {
    const port = await freePorts(1)
    const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`, '--workers', '1', '--max-requests', '3'])
    await host.says(/the worker is ready/)
    const pids = new Set<number>()
    for (let i = 0; i < 10; i++) {
      pids.add(await pidOf(port))
      await delay(30)
    }
    expect(pids.size).toBeGreaterThan(1)
    await host.end()
  })

  test('end with their supervisor, however it ends', async () => {
    const port = await freePorts(1)
    const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`, '--workers', '1'])
    await host.says(/the worker is ready/)
    const pid = await pidOf(port)
    host.child.kill('SIGKILL')
    await until('the worker has ended', () => !existsSync(`/proc/${pid}`))
  })

  test.skipIf(process.getuid?.() !== 0)('become another user once they listen', async () => {
    // others must reach it
    execFileSync('chmod', ['755', folder])
    const place = join(folder, 'user')
    mkdirSync(place)
    const socket = join(place, 'user.sock')
    const host = ownHost([
      echoModule,
      '--listen',
      `http:${socket}`,
      '--workers',
      '1',
      '--user',
      'nobody',
      '--group',
      'nogroup',
      '--socket-mode',
      '666',
    ])
    await host.says(/the worker is ready/)
    const worker = JSON.parse((await ask({ socketPath: socket }, 'GET /pid HTTP/1.0\r\n\r\n')).body).pid as number
    for (const pid of [host.pid, worker]) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      expect(/^Uid:\s+(\d+)/m.exec(status)![1]).toBe('65534')
      expect(/^Gid:\s+(\d+)/m.exec(status)![1]).toBe('65534')
      expect(/^Groups:\s*(.*)$/m.exec(status)![1]!.trim()).toBe('65534')
    }
    await host.end()
  })
})

describe.concurrent('systemd', () => {
  test('hands over sockets', async () => {
    const Bound = (net as unknown as { BoundSocket: new (options: object) => { fd(): number; address(): { port: number } } }).BoundSocket
    const bound = new Bound({ host: '127.0.0.1', port: 0 })
    // LISTEN_PID is the service's own number, which is known only in it
    const command = ['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', 'sh', process.execPath, join(root, 'bin', 'nova-ts.js')]
    const host = ownHost([echoModule, '--workers', '1'], { sockets: [bound.fd()], command })
    await host.says(/the worker is ready/)
    const { port } = bound.address()
    expect((await get(port, '/echo')).status).toBe(200)
    host.child.kill('SIGHUP')
    await host.says(/all workers have been replaced/)
    expect((await get(port, '/echo')).status).toBe(200)
    await host.end()
  })

  test.skipIf(!there('systemd-notify') || !there('python3'))('is told when it is ready, when it reloads and when it ends', async () => {
    const path = join(folder, 'notify.sock')
    const listener = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    for word in s.recv(4096).decode().split('\\n'):
        print(word, flush=True)`
    const systemd = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let heard = ''
    systemd.stdout.on('data', (chunk: Buffer) => (heard += chunk))
    const hears = (pattern: RegExp) =>
      until(
        () => `systemd heard ${pattern} in ${heard}`,
        () => pattern.test(heard),
      )
    await hears(/bound/)
    const host = ownHost([echoModule, '--listen', `http:${join(folder, 'notified.sock')}`, '--workers', '1'], {
      env: { NOTIFY_SOCKET: path },
    })
    await hears(/READY=1/)
    await hears(/STATUS=1 workers serve/)
    expect(heard).not.toContain('RELOADING')
    host.child.kill('SIGHUP')
    await hears(/RELOADING=1[\s\S]*READY=1/)
    await host.end()
    await hears(/STOPPING=1/)
    systemd.kill()
  })
})

describe('under load, no request fails', () => {
  // two of them, briefly; `node tests/hosts/load.ts` runs all and `npm run hosts` too
  for (const scenario of scenarios.filter(
    ({ name }) => name === 'reload, connections kept' || name === 'kill -9 of the only worker, clients retry',
  ))
    test(scenario.name, async () => {
      const result = await runScenario(scenario, 4, 2)
      expect(result.requests, `${loadHead}\n${loadRow(scenario.name, result)}`).toBeGreaterThan(20)
      expect([result.failed, result.reasons]).toEqual([0, []])
    })
})
