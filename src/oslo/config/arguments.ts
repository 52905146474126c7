/** The command line as oslo.config takes it: `--config-file`, `--config-dir` and declared options. */
import { ConfigError } from './error.ts'
import { groupName } from './ini.ts'
import type { Option, OptionGroup } from './options.ts'
import type { Given } from './sources.ts'

/** By `group/name`. */
export type ArgumentValues = ReadonlyMap<string, readonly Given[]>

export interface Arguments {
  /** Files and directories in the order in which they were named. */
  readonly files: readonly { readonly kind: 'file' | 'directory'; readonly path: string }[]
  readonly values: ArgumentValues
}

interface Flag {
  readonly key: string
  readonly option: Option<unknown>
  /** For a boolean: what its presence says. */
  readonly says?: 'true' | 'false'
}

/** Reads arguments. `--name value` and `--name=value` are one; booleans are `--debug` and `--nodebug`; a group stands before the name, `--api-max-limit`. */
export function readArguments(argv: readonly string[], groups: readonly OptionGroup<Record<string, Option<unknown>>>[]): Arguments {
  const flags = flagsOf(groups)
  const files: Arguments['files'][number][] = []
  const values = new Map<string, Given[]>()
  const rest = [...argv]
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1
    const name = equals < 0 ? argument : argument.slice(0, equals)
    const inline = equals < 0 ? undefined : argument.slice(equals + 1)
    const value = (): string => inline ?? rest.shift() ?? refuse(name, 'a value must follow')
    const flag = flags.get(name)
    if (name === '--config-file') files.push({ kind: 'file', path: value() })
    else if (name === '--config-dir') files.push({ kind: 'directory', path: value() })
    else if (!flag) refuse(name, 'nobody knows this argument')
    else {
      if (flag.says && inline !== undefined) refuse(name, 'it takes no value')
      const given: Given = { text: flag.says ?? value(), place: { kind: 'argument', name } }
      const before = flag.option.kind === 'multi' ? (values.get(flag.key) ?? []) : []
      values.set(flag.key, [...before, given])
    }
  }
  return { files, values }
}

function flagsOf(groups: readonly OptionGroup<Record<string, Option<unknown>>>[]): Map<string, Flag> {
  const flags = new Map<string, Flag>()
  for (const { group, options } of groups)
    for (const option of Object.values(options)) {
      const key = `${groupName(group)}/${option.name}`
      const prefix = group === 'DEFAULT' ? '' : `${group}-`
      const word = `${prefix}${option.name}`.replaceAll('_', '-')
      if (option.kind === 'boolean') {
        flags.set(`--${word}`, { key, option, says: 'true' })
        flags.set(`--${prefix}no${option.name}`.replaceAll('_', '-'), { key, option, says: 'false' })
      } else flags.set(`--${word}`, { key, option })
    }
  return flags
}

function refuse(name: string, reason: string): never {
  throw new ConfigError(reason, { place: { kind: 'argument', name } })
}
