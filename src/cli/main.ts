/** The command `nova-ts`: finds the command meant, and tells in plain words what went wrong. */
import { StateError } from '../cloud/state.ts'
import { cloud } from './cloud/index.ts'
import { host } from './host/index.ts'
import { type Command, Refusal, type Terminal, UsageError } from './usage.ts'
import { version } from './version.ts'

const commands: Readonly<Record<string, Command>> = {
  cloud,
  host,
  openapi: async (argv, terminal) => (await import('./openapi/index.ts')).openapi(argv, terminal),
  db: async (argv, terminal) => (await import('./db/index.ts')).db(argv, terminal),
}

const help = `nova-ts: the compute and metadata APIs of OpenStack Nova, and a whole cloud around them

  nova-ts cloud up        start a cloud on this machine
  nova-ts cloud --help    everything about it
  nova-ts host MODULE     serve one of the two, or any application
  nova-ts db sync         make Nova's tables; nova-ts db version tells what is there
  nova-ts openapi         the API of any microversion as an OpenAPI document
  nova-ts --version
`

/** Runs a command line without its first two words. Returns the exit status: 0 done, 1 failed, 2 not understood. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = argv
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      terminal.out(help)
      return name === undefined ? 2 : 0
    }
    if (name === '--version') {
      terminal.out(`${version()}\n`)
      return 0
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!command) throw new UsageError(`there is no command ${name}`)
    return await command(rest, terminal)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof Refusal || error instanceof StateError)) throw error
    terminal.err(`nova-ts: ${error.message}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}
