/** `nova-ts cloud up`: starts the cloud, in the background unless told otherwise, and says what comes up. */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Place, serviceNames } from '../../cloud/places.ts'
import { isAlive, stopProcess } from '../../cloud/processes.ts'
import { type Roster, readRoster, survivors } from '../../cloud/roster.ts'
import { checkStatePath, layout, openState, rememberedPlace } from '../../cloud/state.ts'
import { logLine, type Report, sentence } from '../processes/report.ts'
import { type Assignment, openLog, superviseCloud } from '../processes/supervisor.ts'
import { type Command, Refusal, type Terminal, UsageError } from '../usage.ts'
import { version } from '../version.ts'
import { flagOfPort, flagValue, placeFlags, placeOf, readFlags, type Said, upFlags } from './flags.ts'
import { refuseTakenPorts } from './ports.ts'
import { directions, lastLines, readyLines, seconds } from './progress.ts'

export const up: Command = async (argv, terminal) => {
  const said = readFlags(argv, { ...placeFlags, ...upFlags }, terminal.env)
  const place = placeOf(said)
  const waitMs = waitOf(said)
  checkStatePath(place.state)
  const roster = readRoster(layout(place.state))
  if (roster && isAlive(roster.supervisor)) {
    if (said.flags.foreground) throw new Refusal(`the cloud in ${place.state} runs already, as process ${roster.supervisor.pid}`)
    return joinRunning(roster, place, waitMs, terminal)
  }
  // what a supervisor that was killed left behind still has the ports
  if (roster) await Promise.all(survivors(roster).map((one) => stopProcess(one)))
  await refuseTakenPorts(place)
  const assignment: Assignment = { place, password: flagValue(said, 'password'), self: terminal.self }
  return said.flags.foreground ? inForeground(assignment, terminal) : inBackground(assignment, waitMs, terminal)
}

function waitOf(said: Said): number {
  const text = flagValue(said, 'wait') ?? '60'
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--wait takes a number of seconds above 0, not ${text}`)
  return value * 1000
}

/** It runs already: waits until all of it is ready, in case it is just being started. */
async function joinRunning(roster: Roster, place: Place, waitMs: number, terminal: Terminal): Promise<number> {
  const { place: running } = roster
  const moved = serviceNames.find((name) => running.ports[name] !== place.ports[name])
  if (moved || running.bind !== place.bind) {
    const now = moved ? `--${flagOfPort(moved)} ${running.ports[moved]}` : `--bind ${running.bind}`
    throw new Refusal(`the cloud in ${place.state} runs with ${now}: stop it first, with nova-ts cloud down`)
  }
  const end = performance.now() + waitMs
  for (;;) {
    const now = readRoster(layout(place.state))
    if (!now) throw new Refusal('the cloud was stopped meanwhile')
    const missing = now.programs.filter(({ state }) => state !== 'ready')
    if (missing.length === 0) break
    if (performance.now() > end) throw new Refusal(`not ready after ${waitMs / 1000} s: ${missing.map(({ name }) => name).join(', ')}`)
    await delay(50)
  }
  terminal.out(`The cloud in ${place.state} is running.\n${directions(place)}`)
  return 0
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
      if (note.kind === 'up') terminal.err(`\nReady in ${seconds(performance.now())}.\n${directions(place)}\n`)
    },
  })
  const stop = () => void supervisor.stop()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  await supervisor.stopped
  process.off('SIGTERM', stop).off('SIGINT', stop)
  log('everything has been stopped')
  return failed ? 1 : 0
}

async function inBackground(assignment: Assignment, waitMs: number, terminal: Terminal): Promise<number> {
  const { place } = assignment
  const files = rememberedPlace(place.state) ? layout(place.state) : openState(place)
  terminal.out(header(place))
  const outcome = await startSupervisor(assignment, files.log('supervisor'), waitMs, (report) => {
    if (report.kind === 'ready') terminal.out(readyLines(place, report.name, report.ms))
  })
  switch (outcome.kind) {
    case 'up':
      terminal.out(`\nReady in ${seconds(performance.now())}.\n${directions(place)}`)
      return 0
    case 'failed':
      throw new Refusal(
        `${outcome.name} could not start, and everything has been stopped: ${outcome.reason}\n${lastLines(files.log(outcome.name))}\n(${files.log(outcome.name)})`,
      )
    case 'refused':
      throw new Refusal(outcome.reason)
    case 'gone':
      throw new Refusal(`the supervisor has ended (${outcome.how})\n${lastLines(files.log('supervisor'))}`)
    case 'late': {
      const missing = readRoster(files)?.programs.filter(({ state }) => state !== 'ready') ?? []
      throw new Refusal(`not ready after ${waitMs / 1000} s: ${missing.map(({ name }) => name).join(', ')}; it goes on in the background`)
    }
  }
}

type Outcome =
  | Extract<Report, { kind: 'up' | 'failed' | 'refused' }>
  | { readonly kind: 'late' }
  | { readonly kind: 'gone'; readonly how: string }

/** Resolves when the cloud is ready, or when the supervisor has ended, or when it takes too long. */
function startSupervisor(assignment: Assignment, logFile: string, waitMs: number, note: (report: Report) => void): Promise<Outcome> {
  const log = openLog(logFile)
  const [program, ...first] = assignment.self
  const child = spawn(program, [...first, 'cloud', 'supervisor'], {
    cwd: assignment.place.state,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  return new Promise((resolve) => {
    let last: Outcome | undefined
    const settle = (outcome: Outcome) => {
      clearTimeout(late)
      if (child.connected) child.disconnect()
      child.unref()
      resolve(outcome)
    }
    const late = setTimeout(() => settle({ kind: 'late' }), waitMs)
    child.on('message', (report: Report) => {
      note(report)
      if (report.kind === 'up') settle(report)
      else if (report.kind === 'failed' || report.kind === 'refused') last = report
    })
    child.on('error', (error) => settle({ kind: 'gone', how: error.message }))
    child.on('exit', (code, signal) => settle(last ?? { kind: 'gone', how: signal ?? `exit ${code}` }))
    // when it has ended already, `exit` tells
    child.send(assignment, () => undefined)
  })
}
