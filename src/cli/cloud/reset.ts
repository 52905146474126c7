/** `nova-ts cloud reset`: stops the cloud and removes everything that it holds. */
import { removeState } from '../../cloud/state.ts'
import { type Command, Refusal } from '../usage.ts'
import { stopCloud } from './down.ts'
import { noCloudIn, readFlags, stateFlag, stateOf } from './flags.ts'

export const reset: Command = async (argv, terminal) => {
  const state = stateOf(readFlags(argv, stateFlag, terminal.env))
  await stopCloud(state)
  if (!removeState(state)) throw new Refusal(noCloudIn(state))
  terminal.out(`Removed ${state} with everything in it. The next start makes a new cloud.\n`)
  return 0
}
