/** `nova-ts cloud openrc`: variables for a shell. */
import { type CloudName, cloudNames, openrc } from '../../cloud/clients.ts'
import { isAlive } from '../../cloud/processes.ts'
import { readRoster } from '../../cloud/roster.ts'
import { readSecrets } from '../../cloud/secrets.ts'
import { layout, rememberedPlace } from '../../cloud/state.ts'
import { type Command, Refusal, UsageError } from '../usage.ts'
import { flagValue, noCloudIn, readFlags, stateFlag, stateOf } from './flags.ts'

const flags = {
  ...stateFlag,
  cloud: { type: 'string', value: 'NAME', help: 'Whose variables: a cloud of clouds.yaml (devstack-admin).' },
} as const

/** Whether the cloud runs makes no difference to the variables; that it does not is told on standard error. */
export const printOpenrc: Command = async (argv, terminal) => {
  const said = readFlags(argv, flags, terminal.env)
  const state = stateOf(said)
  const name = flagValue(said, 'cloud') ?? 'devstack-admin'
  if (!cloudNames.includes(name as CloudName)) throw new UsageError(`there is no cloud ${name}; there are ${cloudNames.join(', ')}`)
  const files = layout(state)
  const place = rememberedPlace(state)
  const secrets = readSecrets(files)
  if (!place || !secrets) throw new Refusal(noCloudIn(state))
  const roster = readRoster(files)
  if (!roster || !isAlive(roster.supervisor)) terminal.err(`# the cloud in ${state} is not running: nova-ts cloud up starts it\n`)
  terminal.out(openrc(place, secrets, files.cloudsYaml, name as CloudName))
  return 0
}
