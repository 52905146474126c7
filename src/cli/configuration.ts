/** The operator's configuration, for commands that act on it: the files that the services read, or those that are named. */
import { existsSync } from 'node:fs'
import { ConfigError } from '../oslo/config/error.ts'
import { readSources, type Sources, wsgiConfigFiles } from '../oslo/config/sources.ts'
import { declared } from '../wsgi/options.ts'
import { Refusal, type Terminal, UsageError } from './usage.ts'

export const configurationHelp = `  --config-file FILE      read this file; may be given several times (else what OS_NOVA_CONFIG_DIR and OS_NOVA_CONFIG_FILES name: /etc/nova/nova.conf)
  --config-dir DIRECTORY  and the *.conf files in this one
`

export const configurationFlagNames = ['--config-file', '--config-dir']

/** Takes these flags and their values out of a command line. */
export function configurationFlags(argv: readonly string[]): { readonly files: string[]; readonly rest: string[] } {
  const files: string[] = []
  const rest: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const [flag, given] = argv[i]!.split(/=(.*)/s)
    if (!configurationFlagNames.includes(flag!)) {
      rest.push(argv[i]!)
      continue
    }
    const value = given ?? argv[++i]
    if (value === undefined) throw new UsageError(`${flag} wants a value`)
    files.push(flag!, value)
  }
  return { files, rest }
}

/** Reads it. What is wrong with it is a Refusal. */
export async function readConfiguration(files: readonly string[], { env }: Terminal): Promise<Sources> {
  // The paste file is no use to these commands
  const usual = wsgiConfigFiles(env).filter((path) => existsSync(path))
  if (files.length === 0 && usual.length === 0)
    throw new Refusal(
      `there is no ${wsgiConfigFiles(env).at(-1)}; name another with --config-file, or its directory with OS_NOVA_CONFIG_DIR`,
    )
  return refusing(() => readSources({ files: usual, prog: 'nova-manage', env, declared, argv: files }))
}

/** Tells an error of the configuration without a stack. */
export async function refusing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ConfigError) throw new Refusal(error.message, { cause: error })
    throw error
  }
}
