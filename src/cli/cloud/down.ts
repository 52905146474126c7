/** `nova-ts cloud down`: stops the cloud and keeps what it holds. */
import { existsSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isLocked } from '../../cloud/lock.ts'
import { isAlive, stopProcess } from '../../cloud/processes.ts'
import { readRoster, survivors } from '../../cloud/roster.ts'
import { layout, rememberedPlace } from '../../cloud/state.ts'
import { type Command, Refusal } from '../usage.ts'
import { noCloudIn, readFlags, stateFlag, stateOf } from './flags.ts'

export const down: Command = async (argv, terminal) => {
  const state = stateOf(readFlags(argv, stateFlag, terminal.env))
  if (!rememberedPlace(state)) throw new Refusal(noCloudIn(state))
  terminal.out(
    (await stopCloud(state)) ? `The cloud in ${state} is stopped; what it holds is kept.\n` : `The cloud in ${state} is not running.\n`,
  )
  return 0
}

/** Longer than the supervisor takes to end what does not end by itself. */
const patienceMs = 20_000

/** Longer than a supervisor takes from its start to its first entry in the roster. */
const birthMs = 5000

/** Stops the supervisor, and what one that was killed left behind; one that is just starting too. False when nothing ran. */
export async function stopCloud(state: string): Promise<boolean> {
  const files = layout(state)
  const end = performance.now() + birthMs
  while (!readRoster(files) && existsSync(files.lock) && isLocked(files) && performance.now() < end) await delay(50)
  const roster = readRoster(files)
  if (!roster) return false
  const ran = isAlive(roster.supervisor) || survivors(roster).length > 0
  await stopProcess(roster.supervisor, { patienceMs })
  await Promise.all(survivors(readRoster(files) ?? roster).map((one) => stopProcess(one)))
  rmSync(files.roster, { force: true })
  return ran
}
