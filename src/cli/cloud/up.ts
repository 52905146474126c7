/** `nova-ts cloud up`: starts the cloud, in the background unless told otherwise, and says what comes up. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Place, serviceNames } from '../../cloud/places.ts'
import { isAlive, stopProcess } from '../../cloud/processes.ts'
import { type Roster, readRoster, survivors } from '../../cloud/roster.ts'
import { checkStatePath, layout, openState } from '../../cloud/state.ts'
import { logLine, sentence } from '../processes/report.ts'
import { type Assignment, superviseCloud } from '../processes/supervisor.ts'
import { type Command, Refusal, type Terminal, UsageError } from '../usage.ts'
import { version } from '../version.ts'
import { flagOfPort, flagValue, placeFlags, placeOf, readFlags, type Said, upFlags } from './flags.ts'
import { refuseTakenPorts } from './ports.ts'
import { directions, lastLines, readyLines, seconds } from './progress.ts'
import { startSupervisor } from './start-supervisor.ts'

export const up: Command = async (argv, terminal) => {
  const said = readFlags(argv, { ...placeFlags, ...upFlags }, terminal.env)
  const place = placeOf(said)
  const waitMs = waitOf(said)
  checkStatePath(place.state)
  const assignment: Assignment = { place, password: flagValue(said, 'password'), self: terminal.self }
  if (said.flags.foreground) {
    const running = await runningOrFree(place)
    if (running) throw new Refusal(`the cloud in ${place.state} runs already, as process ${running.supervisor.pid}`)
    return inForeground(assignment, terminal)
  }
  await joinOrStart(assignment, waitMs, terminal)
  return 0
}

/** Between two looks at a directory that another start has. */
const againMs = 100

/** Where another start has the directory, its cloud is joined; should that end before it is ready, there is one more try. */
async function joinOrStart(assignment: Assignment, waitMs: number, terminal: Terminal): Promise<void> {
  const { place } = assignment
  const end = performance.now() + waitMs
  for (;;) {
    const running = await runningOrFree(place)
    const outcome = running ? await joinRunning(running, place, end, terminal) : await inBackground(assignment, end, terminal)
    if (outcome === 'up') return
    if (performance.now() > end) throw new Refusal(`not ready after ${waitMs / 1000} s: ${outcome.not}`)
    await delay(againMs)
  }
}

type Outcome = 'up' | { readonly not: string }

/** The cloud that runs in this directory. Without one, its ports are free, and nothing is left of one that was killed. */
async function runningOrFree(place: Place): Promise<Roster | undefined> {
  const running = await findRunning(place)
  if (running) return running
  try {
    await refuseTakenPorts(place)
  } catch (error) {
    // by the cloud itself, if it was started a moment ago
    const now = await findRunning(place)
    if (now) return now
    throw error
  }
  return undefined
}

async function findRunning({ state }: Place): Promise<Roster | undefined> {
  const roster = readRoster(layout(state))
  if (!roster || isAlive(roster.supervisor)) return roster
  // what a supervisor that was killed left behind still has the ports
  await Promise.all(survivors(roster).map((one) => stopProcess(one)))
  return undefined
}

function waitOf(said: Said): number {
  const text = flagValue(said, 'wait') ?? '60'
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--wait takes a number of seconds above 0, not ${text}`)
  return value * 1000
}

/** It runs already: waits until all of it is ready, in case it is just being started. */
async function joinRunning(roster: Roster, place: Place, end: number, terminal: Terminal): Promise<Outcome> {
  const { place: running } = roster
  const moved = serviceNames.find((name) => running.ports[name] !== place.ports[name])
  const other = (['bind', 'cells', 'hosts'] as const).find((name) => running[name] !== place[name])
  if (moved || other) {
    const now = moved ? `--${flagOfPort(moved)} ${running.ports[moved]}` : `--${other} ${running[other!]}`
    throw new Refusal(`the cloud in ${place.state} runs with ${now}: stop it first, with nova-ts cloud down`)
  }
  for (;;) {
    const now = readRoster(layout(place.state))
    if (!now || !isAlive(now.supervisor)) return { not: 'the cloud was stopped meanwhile' }
    const missing = now.programs.filter(({ state }) => state !== 'ready')
    if (missing.length === 0) break
    if (performance.now() > end) return { not: missing.map(({ name }) => name).join(', ') }
    await delay(50)
  }
  terminal.out(`The cloud in ${place.state} is running.\n${directions(place, terminal.self)}`)
  return 'up'
}

const header = (place: Place) => `nova-ts ${version()}: a cloud in ${place.state}\n\n`

async function inForeground(assignment: Assignment, terminal: Terminal): Promise<number> {
  const { place } = assignment
  let failed = false
  const log = (text: string) => terminal.err(logLine(text))
  terminal.err(header(place))
  const supervisor = await superviseCloud({
    ...assignment,
    logs: 'stderr',
    note(note) {
      log(sentence(note))
      failed ||= note.kind === 'failed'
      if (note.kind === 'up') terminal.err(`\nReady in ${seconds(performance.now())}.\n${directions(place, terminal.self)}\n`)
    },
  })
  const stop = () => void supervisor.stop()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  await supervisor.stopped
  process.off('SIGTERM', stop).off('SIGINT', stop)
  log('everything has been stopped')
  return failed ? 1 : 0
}

async function inBackground(assignment: Assignment, end: number, terminal: Terminal): Promise<Outcome> {
  const { place } = assignment
  const files = openState(place)
  terminal.out(header(place))
  const ending = await startSupervisor(assignment, files.log('supervisor'), end - performance.now(), (report) => {
    if (report.kind === 'ready') terminal.out(readyLines(place, report.name, report.ms))
  })
  switch (ending.kind) {
    case 'up':
      terminal.out(`\nReady in ${seconds(performance.now())}.\n${directions(place, terminal.self)}`)
      return 'up'
    case 'failed':
      throw new Refusal(
        `${ending.name} could not start, and everything has been stopped: ${ending.reason}\n${lastLines(files.log(ending.name))}\n(${files.log(ending.name)})`,
      )
    case 'refused':
      if (ending.busy) return { not: ending.reason }
      throw new Refusal(ending.reason)
    case 'gone':
      throw new Refusal(`the supervisor has ended (${ending.how})\n${lastLines(files.log('supervisor'))}`)
    case 'late': {
      const missing = readRoster(files)?.programs.filter(({ state }) => state !== 'ready') ?? []
      return { not: `${missing.map(({ name }) => name).join(', ')}; it goes on in the background` }
    }
  }
}
