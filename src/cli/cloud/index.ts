/** `nova-ts cloud …`: the cloud on this machine. */
import { listed } from '../parse.ts'
import { type Command, UsageError } from '../usage.ts'
import { describeFlags, placeFlags, upFlags } from './flags.ts'

/** Each is loaded only where it runs. The last two are for the cloud itself. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).up,
  down: async () => (await import('./down.ts')).down,
  status: async () => (await import('./status.ts')).status,
  openrc: async () => (await import('./openrc.ts')).printOpenrc,
  reset: async () => (await import('./reset.ts')).reset,
  fault: async () => (await import('./fault.ts')).fault,
  supervisor: async () => (await import('../processes/background.ts')).background,
  process: async () => (await import('../processes/run.ts')).runNamed,
}

const help = `nova-ts cloud: a whole cloud on this machine

  nova-ts cloud up       start it; returns when it is ready. The second time it goes on where it was.
  nova-ts cloud down     stop it; everything is kept
  nova-ts cloud status   what runs, since when; status 0 when all is well, 1 when something is not, 3 when nothing runs (--json for programs)
  nova-ts cloud openrc   print what a shell needs: eval "$(npx nova-ts cloud openrc)" (--cloud NAME for one of clouds.yaml)
  nova-ts cloud reset    stop it and remove everything that it holds
  nova-ts cloud fault    what shall fail: hosts that are down, actions that fail or are slow (nova-ts cloud fault --help)

Flags of up, and the variables that do the same:

${describeFlags({ ...placeFlags, ...upFlags })}

The other commands take --state, and what stands in brackets beside them. What a start was told is remembered in the state directory for the next one.

In the state directory:

  openrc, clouds.yaml    for clients; they hold passwords, which are made up at the first start
  etc/local.conf         yours to write: options of nova.conf that the compute and metadata APIs shall have from the next start on
  etc/policy.yaml        yours to write: policy rules of the compute API, read again when it changes
  databases/, images/    what the cloud holds
  logs/                  a file for each process
`

/** Runs `nova-ts cloud <verb>`. */
export const cloud: Command = async ([verb, ...rest], terminal) => {
  const asksForHelp = rest.includes('--help') || rest.includes('-h')
  if (verb === undefined || verb === '--help' || verb === '-h' || (asksForHelp && verb !== 'fault')) {
    terminal.out(help)
    return verb === undefined ? 2 : 0
  }
  const command = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (!command) {
    const names = Object.keys(verbs).slice(0, -2)
    throw new UsageError(`there is no command cloud ${verb}${listed(verb, names)}`)
  }
  return (await command())(rest, terminal)
}
