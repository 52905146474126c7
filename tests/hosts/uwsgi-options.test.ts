/** What a `[uwsgi]` file asks of workers and files, done by `nova-ts host --ini`. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { until } from '../support/until.ts'
import { echoModule, endAll, type OwnHost, ownHost } from './own.ts'
import { ask } from './wire.ts'

// each starts processes, on machines that may be busy
vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'host-options-'))
afterAll(() => {
  endAll()
  rmSync(folder, { recursive: true, force: true })
})

type Target = Parameters<typeof ask>[0]
const asRoot = process.getuid?.() === 0 ? test.concurrent : test.concurrent.skip

const get = (target: Target, path: string) => ask(target, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
const pidOf = async (target: Target): Promise<number> => JSON.parse((await get(target, '/pid')).body).pid

async function started(name: string, lines: readonly string[]): Promise<{ host: OwnHost; port: number; place: string }> {
  const place = join(folder, name)
  mkdirSync(place)
  const port = await freePorts(1)
  const ini = join(place, 'host.ini')
  writeFileSync(ini, ['[uwsgi]', `module = ${echoModule}`, `http = 127.0.0.1:${port}`, ...lines, ''].join('\n'))
  return { host: ownHost(['--ini', ini], { cwd: place }), port, place }
}

test.concurrent('harakiri: a request that takes too long is answered 504, and a fresh worker serves what comes', async () => {
  const { host, port } = await started('harakiri', ['master = true', 'processes = 1', 'harakiri = 1'])
  await host.says(/the worker is ready/)
  const before = await pidOf({ port })
  const start = performance.now()
  const [slow, quick] = await Promise.all([get({ port }, '/slow/20000'), get({ port }, '/slow/200')])
  expect([slow.status, quick.status, performance.now() - start < 10_000]).toEqual([504, 200, true])
  await host.says(/gives way: GET \/slow\/20000 has not been answered for 1 s/)
  await host.says(/serves after[\s\S]*serves after/)
  expect(await pidOf({ port })).not.toBe(before)
  expect(await host.end()).toBe(0)
})

test.concurrent('harakiri: a worker that does nothing but compute is killed', async () => {
  const { host, port } = await started('stuck', ['master = true', 'processes = 1', 'harakiri = 2'])
  await host.says(/the worker is ready/)
  const before = await pidOf({ port })
  await expect(get({ port }, '/stuck/60000')).rejects.toThrow()
  await host.says(/worker 1 has ended \(it has not been heard of for 2 s\)/)
  expect(await pidOf({ port })).not.toBe(before)
  expect(await host.end()).toBe(0)
})

test.concurrent('reload-on-rss: a worker that holds more gives way after a request', async () => {
  const { host, port } = await started('memory', ['master = true', 'processes = 1', 'reload-on-rss = 20'])
  await host.says(/the worker is ready/)
  expect((await get({ port }, '/echo')).status).toBe(200)
  await host.says(/gives way: it holds \d+ MiB of memory, more than 20/)
  expect((await get({ port }, '/echo')).status).toBe(200)
  await host.end('SIGQUIT')
})

asRoot('chown-socket, logfile-chmod and chdir', async () => {
  const path = join(folder, 'owned.sock')
  const { host, place } = await started('files', [
    `http-socket = ${path}`,
    'http-socket = unix:near.sock',
    'chown-socket = nobody:daemon',
    'chmod-socket = 660',
    'chdir = /usr',
    'logto = host.log',
    'logfile-chmod = 640',
    'thunder-lock = true',
  ])
  await host.says(/has no meaning here, or is always so: thunder-lock/)
  await until('it serves', () => /serving .* on http:\//.test(logOf(place)))
  const { uid, gid, mode } = statSync(path)
  expect([uid, gid, (mode & 0o777).toString(8)]).toEqual([65_534, 1, '660'])
  expect((statSync(join(place, 'host.log')).mode & 0o777).toString(8)).toBe('640')
  expect(JSON.parse((await get({ socketPath: path }, '/where')).body)).toEqual({ directory: '/usr' })
  expect((await get({ socketPath: join(place, 'near.sock') }, '/where')).status).toBe(200)
  expect(await host.end()).toBe(0)
  expect(existsSync(join(place, 'near.sock'))).toBe(false)
})

asRoot('a socket for somebody who is not there', async () => {
  const { host } = await started('nobody', [`http-socket = ${join(folder, 'lost.sock')}`, 'chown-socket = nobody-of-this-name'])
  await host.says(/lost\.sock cannot be given to nobody-of-this-name: there is no user nobody-of-this-name/)
})

function logOf(place: string): string {
  try {
    return readFileSync(join(place, 'host.log'), 'utf8')
  } catch {
    return ''
  }
}
