/** kill -9 at every moment of a start, of a new cloud and of one that was there: the next start finds all in order. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readRoster } from '../../src/cloud/roster.ts'
import { layout } from '../../src/cloud/state.ts'
import { connect } from './client.ts'
import { soundDatabases } from './databases.ts'
import { journey, type Trip } from './travel.ts'

/** Between two moments of a start; wider where a start takes long, so that there are never more than `mostMoments`. */
const stepMs = 40
const mostMoments = 40
/** No more kills after so long: on a machine that is busy with other things. */
const patienceMs = 150_000

/** The processes of a cloud: those of its roster and, where the kernel tells, those that are in no roster yet. */
function processesOf({ state }: Trip['cloud']): number[] {
  const roster = readRoster(layout(state))
  const listed = roster ? [roster.supervisor, ...roster.programs.map((one) => one.process)].flatMap((one) => (one ? [one.pid] : [])) : []
  return process.platform === 'linux' ? [...new Set([...listed, ...processesIn(state)])] : listed
}

function processesIn(folder: string): number[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return numbers.filter((pid) => workingDirectory(pid) === folder).map(Number)
}

function workingDirectory(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}

/** Who is killed. The command too, in all of them. */
const victims: Record<string, (trip: Trip) => number[]> = {
  everything: ({ cloud }) => processesOf(cloud),
  'the command': () => [],
  'the supervisor': ({ cloud }) => [readRoster(layout(cloud.state))?.supervisor.pid ?? 0],
  'the cell': ({ cloud }) => [readRoster(layout(cloud.state))?.programs.find(({ name }) => name === 'cell')?.process?.pid ?? 0],
}

/** Starts, kills after so many milliseconds, and says whether the start was over before. */
async function killAfter(trip: Trip, ms: number, whom: keyof typeof victims): Promise<boolean> {
  const { cloud, tell } = trip
  const start = spawn(process.execPath, [...cloud.upCommand], { cwd: cloud.folder, stdio: 'ignore', env: process.env })
  const ended = new Promise((resolve) => start.on('exit', resolve))
  await Promise.race([delay(ms), ended])
  const over = start.exitCode !== null
  start.kill('SIGKILL')
  const pids = victims[whom]!(trip).filter((pid) => pid > 0)
  for (const pid of pids) kill(pid)
  await ended
  tell(`${ms} ms: kill -9 of ${whom}, ${pids.length} processes${over ? '; it was up' : ''}`)
  return over
}

/** All that a new cloud has, once. */
async function hasEverything({ cloud }: Trip): Promise<void> {
  const client = await connect(await cloud.variables())
  const { flavors } = (await client.insist('GET', 'compute', '/flavors')).body
  assert.equal(flavors.length, 12)
  const { images } = (await client.insist('GET', 'image', '/v2/images')).body
  assert.deepEqual(
    images.map(({ name, status }: { name: string; status: string }) => [name, status]),
    [['cirros', 'active']],
  )
  const { networks } = (await client.insist('GET', 'network', '/v2.0/networks')).body
  assert.deepEqual(networks.map(({ name }: { name: string }) => name).sort(), ['private', 'public', 'shared'])
  const { services } = (await client.insist('GET', 'compute', '/os-services')).body
  const up = services.filter(({ state }: { state: string }) => state === 'up')
  assert.deepEqual([services.length, up.length], [services.length, services.length])
}

/** Kills the same victims a little later each time, until the start is over before. */
async function killAtEveryMoment(trip: Trip, whom: keyof typeof victims, { fresh, step }: { fresh: boolean; step: number }): Promise<void> {
  const end = performance.now() + patienceMs
  for (let ms = step; performance.now() < end; ms += step) {
    await (fresh ? trip.cloud.reset() : trip.cloud.down())
    const over = await killAfter(trip, ms, whom)
    await trip.cloud.up()
    await hasEverything(trip)
    if (over) return
  }
}

/** What the fastest of a few starts takes here decides how far the moments are apart. */
async function stepOf({ cloud, tell }: Trip): Promise<number> {
  let took = Number.POSITIVE_INFINITY
  for (let time = 0; time < 3; time++) {
    await cloud.down()
    const begin = performance.now()
    await cloud.up()
    took = Math.min(took, performance.now() - begin)
  }
  tell(`a start takes ${Math.round(took)} ms`)
  return Math.max(stepMs, Math.ceil(took / mostMoments))
}

export const travels = journey<Trip & { step: number }>({
  title: 'kill -9 at every moment of a start',
  pack: (trip) => ({ ...trip, step: stepMs }),
  steps: [
    ['a start without kills', async (trip) => void (trip.step = await stepOf(trip))],
    ['everything is killed while a new cloud starts', (trip) => killAtEveryMoment(trip, 'everything', { fresh: true, step: trip.step })],
    [
      'everything is killed while a cloud starts that was there',
      (trip) => killAtEveryMoment(trip, 'everything', { fresh: false, step: trip.step }),
    ],
    ...['the command', 'the supervisor', 'the cell'].map((whom): readonly [string, (trip: Trip & { step: number }) => Promise<void>] => [
      `${whom} is killed while a new cloud starts`,
      (trip) => killAtEveryMoment(trip, whom, { fresh: true, step: trip.step * 5 }),
    ]),
    [
      'every database is sound, and no draft of a file is left',
      async ({ cloud }) => {
        await cloud.down()
        soundDatabases({ cloud })
        const drafts = readdirSync(cloud.state, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.new'))
        assert.deepEqual(drafts, [])
        assert.doesNotMatch(readFileSync(join(cloud.state, 'logs', 'supervisor.log'), 'utf8'), /could not start/)
      },
    ],
  ],
})
