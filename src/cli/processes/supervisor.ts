/** Starts and watches the processes of a cloud: in the background in a process of its own, in the foreground inside `cloud up`. */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { cloudsYaml, openrc } from '../../cloud/clients.ts'
import { apiPaste, novaConf } from '../../cloud/configuration.ts'
import { takeLock } from '../../cloud/lock.ts'
import type { Place } from '../../cloud/places.ts'
import { identify, type ProcessId, stopProcess } from '../../cloud/processes.ts'
import { readRoster, survivors, writeRoster } from '../../cloud/roster.ts'
import { ensureSecrets } from '../../cloud/secrets.ts'
import { type Layout, openState, rememberPlace, removeDrafts, writeWhole } from '../../cloud/state.ts'
import { type Events, type Launched, type Note, type ProgramStatus, type Supervisor, supervise } from '../../cloud/supervisor.ts'
import { frugalNode } from '../frugal.ts'
import { programEnvironment } from './environment.ts'
import type { Word } from './program.ts'
import { cloudPrograms } from './programs.ts'

export interface Assignment {
  readonly place: Place
  /** For people, at the first start only. */
  readonly password?: string | undefined
  /** What runs `nova-ts` again. */
  readonly self: readonly [program: string, ...string[]]
}

export interface SuperviseOptions extends Assignment {
  /** Where the processes write what they log: a file each, or standard error. */
  readonly logs: 'files' | 'stderr'
  readonly note: (note: Note) => void
}

/**
 * Takes the state directory, writes the configuration and starts everything. Throws `StateBusy` when another process has the directory.
 * Once stopped, nothing of it runs.
 */
export async function superviseCloud({ place, password, self, logs, note }: SuperviseOptions): Promise<Supervisor> {
  const layout = openState(place)
  const release = takeLock(layout)
  const leftovers = readRoster(layout)
  if (leftovers) await Promise.all(survivors(leftovers).map((one) => stopProcess(one)))
  removeDrafts(layout)
  rememberPlace(place)
  writeConfiguration(place, layout, password)
  const supervising = identify(process.pid)!
  const known = new Map<number, ProcessId | null>()
  const idOf = (pid: number): ProcessId | null => {
    if (!known.has(pid)) known.set(pid, identify(pid) ?? null)
    return known.get(pid)!
  }
  const changed = (statuses: readonly ProgramStatus[]) =>
    writeRoster(layout, {
      supervisor: supervising,
      place,
      programs: statuses.map(({ pid, ...status }) => ({ ...status, process: pid === null ? null : idOf(pid) })),
    })
  const environment = programEnvironment(layout)
  const supervisor = supervise({
    programs: cloudPrograms,
    launch: ({ name }, events) => launch(name, { place, layout, environment, logs, self }, events),
    timers,
    note,
    changed,
  })
  void supervisor.stopped.then(() => {
    rmSync(layout.roster, { force: true })
    release()
  })
  return supervisor
}

function writeConfiguration(place: Place, layout: Layout, password: string | undefined): void {
  const secrets = ensureSecrets(layout, { password })
  writeWhole(layout.novaConf, novaConf(place, layout, secrets), { mode: 0o600 })
  writeWhole(layout.apiPaste, apiPaste())
  writeWhole(layout.openrc, openrc(place, secrets, layout.cloudsYaml), { mode: 0o600 })
  writeWhole(layout.cloudsYaml, cloudsYaml(place, secrets), { mode: 0o600 })
}

const timers = {
  now: () => Date.now(),
  after: (ms: number, act: () => void) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
}

interface LaunchParts {
  readonly place: Place
  readonly layout: Layout
  readonly environment: NodeJS.ProcessEnv
  readonly logs: 'files' | 'stderr'
  readonly self: Assignment['self']
}

function launch(name: string, { place, layout, environment, logs, self }: LaunchParts, events: Events): Launched {
  const output = logs === 'files' ? openLog(layout.log(name)) : 2
  const [program, ...first] = self
  const child = spawn(program, [...frugalNode, ...first, 'cloud', 'process', name, JSON.stringify(place)], {
    cwd: place.state,
    env: environment,
    stdio: ['ignore', output, output, 'ipc'],
  })
  if (output !== 2) closeSync(output)
  let over = false
  const end = (how: string) => {
    if (over) return
    over = true
    events.ended(how)
  }
  child.on('message', (word: Word) => ('ready' in word ? events.ready() : events.failed(word.failed)))
  child.on('exit', (code, signal) => end(signal ?? `exit ${code}`))
  // without a process there is no exit either; told later, as all ends are
  child.on('error', (error) => end(error.message))
  return { pid: child.pid ?? 0, terminate: () => void child.kill('SIGTERM'), kill: () => void child.kill('SIGKILL') }
}

/** A log that has grown large by the time of a start gives way to a new one. */
const largeLogBytes = 10 * 1024 * 1024

/** Opens it at its end; makes it, and its directory, where a start that was cut short has not. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    if (statSync(path).size > largeLogBytes) renameSync(path, `${path}.1`)
  } catch {
    // there is none yet
  }
  return openSync(path, 'a', 0o600)
}
