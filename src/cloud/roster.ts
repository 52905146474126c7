/** Which processes a cloud has, written by its supervisor at every change and read by who asks after it. */
import { readFileSync } from 'node:fs'
import type { Place } from './places.ts'
import { isAlive, type ProcessId } from './processes.ts'
import { type Layout, parsed, writeWhole } from './state.ts'

export type ProgramState =
  /** Started, and not yet able to serve. */
  | 'starting'
  | 'ready'
  /** It ended and will be started again after a while. */
  | 'waiting'
  | 'stopped'

export interface RosterEntry {
  readonly name: string
  readonly state: ProgramState
  readonly process: ProcessId | null
  /** How often it had to be started again. */
  readonly restarts: number
  /** When it became what it is, in milliseconds since 1970. */
  readonly at: number
}

export interface Roster {
  readonly supervisor: ProcessId
  readonly place: Place
  readonly programs: readonly RosterEntry[]
}

/** Undefined when the cloud has never been started, or was stopped. */
export function readRoster({ roster }: Pick<Layout, 'roster'>): Roster | undefined {
  try {
    return parsed(readFileSync(roster, 'utf8')) as Roster | undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export const writeRoster = ({ roster }: Pick<Layout, 'roster'>, value: Roster): void =>
  writeWhole(roster, `${JSON.stringify(value, null, 2)}\n`)

/** Processes of the roster that still run, the supervisor aside. */
export const survivors = ({ programs }: Roster): ProcessId[] =>
  programs.flatMap(({ process }) => (process && isAlive(process) ? [process] : []))
