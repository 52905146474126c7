/** The command `nova-ts`: finds the command meant, and tells in plain words what went wrong. */
import { StateError } from '../cloud/state.ts'
import { cloud } from './cloud/index.ts'
import { host } from './host/index.ts'
import { listed } from './parse.ts'
import { type Command, Refusal, type Terminal, UsageError } from './usage.ts'
import { version } from './version.ts'

const commands: Readonly<Record<string, Command>> = {
  cloud,
  host,
  openapi: async (argv, terminal) => (await import('./openapi/index.ts')).openapi(argv, terminal),
  config: async (argv, terminal) => (await import('./config/index.ts')).config(argv, terminal),
  db: async (argv, terminal) => (await import('./db/index.ts')).db(argv, terminal),
  shadow: async (argv, terminal) => (await import('./shadow/index.ts')).shadow(argv, terminal),
}

const help = `nova-ts: the compute and metadata APIs of OpenStack Nova, and a whole cloud around them

  nova-ts cloud up        start a cloud on this machine
  nova-ts cloud --help    everything about it
  nova-ts host MODULE     serve one of the two, or any application
  nova-ts config check    what becomes of the options of a nova.conf
  nova-ts shadow          compare a nova-api that is in use with another, unnoticed
  nova-ts db sync         make Nova's tables; nova-ts db version tells what is there
  nova-ts openapi         the API of any microversion as an OpenAPI document
  nova-ts --version
`

const refusals: Readonly<Record<string, string>> = {
  EACCES: 'you may not do that there',
  EPERM: 'you may not do that there',
  EROFS: 'nothing can be written there',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is full',
  ENOTDIR: 'part of it is a file and not a directory',
}

/** What a file system has against it, in words; undefined for errors of other kinds. */
function refusedBySystem(error: unknown): string | undefined {
  const { code, path, syscall } = error as NodeJS.ErrnoException
  const reason = code !== undefined && path !== undefined && syscall !== undefined ? refusals[code] : undefined
  return reason && `${path}: ${reason} (${syscall}: ${code})`
}

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
    if (!command) {
      const names = Object.keys(commands)
      throw new UsageError(`there is no command ${name}${listed(name, names)}`)
    }
    return await command(rest, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`nova-ts: ${error.message}\nnova-ts ${Object.hasOwn(commands, name!) ? `${name} ` : ''}--help tells what there is\n`)
      return 2
    }
    const told = error instanceof Refusal || error instanceof StateError ? error.message : refusedBySystem(error)
    if (told === undefined) throw error
    terminal.err(`nova-ts: ${told}\n`)
    return 1
  }
}
