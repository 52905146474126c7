/** The command `nova-ts cloud` as people use it: real processes, over a directory and ports of their own. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identify, isAlive, type ProcessId } from '../../src/cloud/processes.ts'
import { readRoster } from '../../src/cloud/roster.ts'
import { layout } from '../../src/cloud/state.ts'
import { freePorts } from '../support/free-ports.ts'
import { type Login, login } from '../support/login.ts'
import { until } from '../support/until.ts'

const bin = join(import.meta.dirname, '..', '..', 'bin', 'nova-ts.js')

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(...argv: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })))
}

/** What the person who runs the tests has set for a cloud of their own is none of these tests' business. */
const environment = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NOVA_TS_')))

let folder: string
let state: string
let first: number
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cloud-'))
  state = join(folder, 'state')
  first = await freePorts(7)
})
afterAll(async () => {
  await run('cloud', 'down', '--state', state)
  rmSync(folder, { recursive: true, force: true })
})

const up = (...argv: string[]) => run('cloud', 'up', '--state', state, ...argv)
const processOf = (name: string): ProcessId | null | undefined =>
  readRoster(layout(state))?.programs.find((one) => one.name === name && one.state === 'ready')?.process

function enter(): Promise<Login> {
  const { passwords } = JSON.parse(readFileSync(layout(state).secrets, 'utf8'))
  return login({ url: `http://127.0.0.1:${first}/v3`, password: passwords.admin })
}

async function get(url: string, token: string): Promise<{ status: number; body: string }> {
  const answer = await fetch(url, { headers: { 'x-auth-token': token } })
  return { status: answer.status, body: await answer.text() }
}

describe('a cloud', { timeout: 60_000 }, () => {
  test('that was never started', async () => {
    const err = `nova-ts: there is no cloud in ${state}: name its directory with --state or NOVA_TS_STATE\n`
    expect(await run('cloud', 'status', '--state', state)).toMatchObject({ code: 3, err })
    expect(await run('cloud', 'openrc', '--state', state)).toMatchObject({ code: 1, out: '' })
    expect(await run('cloud', 'down', '--state', state)).toMatchObject({ code: 1 })
  })

  test('is not started while a port is taken', async () => {
    const other = createServer().listen(first + 3, '127.0.0.1')
    const { code, err } = await up('--ports-from', String(first))
    await new Promise((resolve) => other.close(resolve))
    expect({ code, err }).toEqual({
      code: 1,
      err: `nova-ts: port ${first + 3}, for the compute service, is taken by another program: move it with --port-compute or NOVA_TS_PORT_COMPUTE\n`,
    })
    expect(existsSync(state)).toBe(false)
  })

  test('starts, says what came up, and serves what its catalogue says', async () => {
    const { code, out, err } = await up('--ports-from', String(first))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const name of ['identity', 'image', 'network', 'volume', 'placement', 'cell', 'compute', 'metadata'])
      expect(out).toMatch(new RegExp(`^  ${name} .*\\d s$`, 'm'))
    expect(out).toMatch(/^Ready in \d+\.\d\d s\.$/m)
    const { token, urls } = await enter()
    expect(Object.keys(urls).sort()).toEqual(['block-storage', 'compute', 'identity', 'image', 'network', 'placement', 'volumev3'])
    expect(JSON.parse((await get(`${urls.image}/v2/images`, token)).body).images).toMatchObject([{ name: 'cirros', visibility: 'public' }])
    const { networks } = JSON.parse((await get(`${urls.network}/v2.0/networks`, token)).body)
    expect(networks.map(({ name }: { name: string }) => name).sort()).toEqual(['private', 'public', 'shared'])
    const { flavors } = JSON.parse((await get(`${urls.compute}/flavors`, token)).body)
    expect(flavors.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['m1.nano', 'm1.xlarge']))
    expect((await fetch(`http://127.0.0.1:${first + 4}/`)).status).toBe(200)
  })

  test('is told about, for people and for programs', async () => {
    const { code, out } = await run('cloud', 'status', '--state', state, '--json')
    const told = JSON.parse(out)
    expect(code).toBe(0)
    expect(told.endpoints.compute).toBe(`http://127.0.0.1:${first + 3}/v2.1`)
    expect(told.processes.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`)).toEqual([
      'services ready',
      'cell ready',
      'compute-api ready',
      'metadata-api ready',
    ])
    expect((await run('cloud', 'status', '--state', state)).out).toMatch(/compute-api +ready +pid \d+/)
    expect((await run('cloud', 'openrc', '--state', state)).out).toContain(`export OS_AUTH_URL=http://127.0.0.1:${first}/v3\n`)
  })

  test('is started once: a second start finds it, and one with other ports is refused', async () => {
    const supervisor = readRoster(layout(state))!.supervisor
    expect(await up()).toMatchObject({ code: 0, out: expect.stringContaining(`The cloud in ${state} is running.`) })
    expect(await up('--port-compute', '1')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`runs with --port-compute ${first + 3}`),
    })
    expect(await up('--foreground')).toMatchObject({ code: 1, err: expect.stringContaining('runs already') })
    expect(readRoster(layout(state))!.supervisor).toEqual(supervisor)
  })

  test.each(['services', 'cell', 'compute-api', 'metadata-api'])('goes on when its process %s is killed', async (name) => {
    const before = processOf(name)!
    process.kill(before.pid, 'SIGKILL')
    const after = await until(`${name} is ready again`, () => {
      const now = processOf(name)
      return now && now.pid !== before.pid ? now : undefined
    })
    expect(isAlive(after)).toBe(true)
    const { token } = await enter()
    expect((await get(`http://127.0.0.1:${first + 3}/v2.1/flavors`, token)).status).toBe(200)
    expect(readFileSync(layout(state).log('supervisor'), 'utf8')).toContain(`${name} has ended (SIGKILL) and is started again in`)
  })

  test('ends with its supervisor, and is started again over the same state', async () => {
    const { supervisor, programs } = readRoster(layout(state))!
    process.kill(supervisor.pid, 'SIGKILL')
    await until('all have ended', () => programs.every(({ process }) => !process || !isAlive(process)))
    expect((await run('cloud', 'status', '--state', state)).code).toBe(3)
    expect((await up()).code).toBe(0)
    const { token } = await enter()
    expect(JSON.parse((await get(`http://127.0.0.1:${first + 1}/v2/images`, token)).body).images).toHaveLength(1)
  })

  test('does not touch a process that has taken over a number of its own', async () => {
    await run('cloud', 'down', '--state', state)
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    try {
      const { roster } = layout(state)
      const stranger = { pid: bystander.pid!, since: 'before it' }
      const place = { state, bind: '127.0.0.1', ports: {}, cells: 1, hosts: 2 }
      const programs = [{ name: 'cell', state: 'ready', process: stranger, restarts: 0, at: 0 }]
      writeFileSync(roster, JSON.stringify({ supervisor: stranger, place, programs }))
      expect((await run('cloud', 'status', '--state', state)).code).toBe(3)
      expect(await run('cloud', 'down', '--state', state)).toMatchObject({ code: 0, out: expect.stringContaining('is not running') })
      expect(identify(bystander.pid!)).toBeDefined()
    } finally {
      bystander.kill('SIGKILL')
    }
  })

  test('that cannot start says why, and leaves nothing running', async () => {
    writeFileSync(layout(state).ownConf, '[DEFAULT]\ndebug = perhaps\n')
    const { code, err } = await up()
    rmSync(layout(state).ownConf)
    expect(code).toBe(1)
    expect(err).toMatch(/could not start, and everything has been stopped: .*local\.conf/)
    expect((await run('cloud', 'status', '--state', state)).code).toBe(3)
  })

  test('runs in the foreground until it is told to end', async () => {
    const child = spawn(process.execPath, [bin, 'cloud', 'up', '--foreground', '--state', state], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment(),
    })
    let err = ''
    child.stderr.on('data', (chunk) => (err += chunk))
    const ended = new Promise((resolve) => child.on('exit', resolve))
    await until('it is ready', () => err.includes('Ready in'), 30_000)
    const { programs } = readRoster(layout(state))!
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(programs.every(({ process }) => !isAlive(process!))).toBe(true)
    expect(existsSync(layout(state).roster)).toBe(false)
  })

  test('is removed with everything in it', async () => {
    await up()
    const { supervisor } = readRoster(layout(state))!
    expect((await run('cloud', 'reset', '--state', state)).code).toBe(0)
    expect(existsSync(state)).toBe(false)
    expect(isAlive(supervisor)).toBe(false)
  })
})

const mistakes: [argv: string[], code: number, told: RegExp][] = [
  [[], 2, /nova-ts cloud up/],
  [['--help'], 0, /nova-ts cloud up/],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  [['fly'], 2, /^nova-ts: there is no command fly: there are cloud, .*\nnova-ts --help tells/],
  [['cloud'], 2, /--port-compute N/],
  [['cloud', 'up', '--help'], 0, /NOVA_TS_PORT_COMPUTE/],
  [['cloud', 'fly'], 2, /there is no command cloud fly: there are up, down, status, openrc, reset, fault\nnova-ts cloud --help tells/],
  [['cloud', 'up', '--port-compute', 'x'], 2, /--port-compute takes a number/],
  [['cloud', 'up', '--state', '/dev/null'], 1, /^nova-ts: \/dev\/null/],
  [['cloud', 'up', '--wait', '0'], 2, /--wait takes a number of seconds/],
  [['cloud', 'openrc', '--cloud', 'rain'], 2, /there is no cloud rain; there are devstack,/],
  [['cloud', 'supervisor'], 2, /is what cloud up starts/],
  [['cloud', 'process', 'cell', '{}'], 2, /is what the supervisor starts/],
]
test.each(mistakes)('nova-ts %j ends with %i', async (argv, code, told) => {
  const outcome = await run(...argv)
  expect(outcome.code).toBe(code)
  expect(outcome.out + outcome.err).toMatch(told)
})
