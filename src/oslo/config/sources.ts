/**
 * Where settings come from, as oslo.config reads them: files in order, `<name>.conf.d` directories, `OS_<GROUP>__<OPTION>` variables, arguments.
 *
 *     const sources = await readSources({ files: wsgiConfigFiles(env), prog: 'nova-api-os-compute', env })
 *     const api = settings(apiOptions, sources)
 */
import { type ArgumentValues, readArguments } from './arguments.ts'
import { ConfigError, type Place } from './error.ts'
import {
  absolutePath,
  configFilesIn,
  type Environment,
  findConfigDirectories,
  type IniFile,
  readIniFile,
  searchDirectories,
} from './files.ts'
import { groupName } from './ini.ts'
import type { Option, OptionGroup } from './options.ts'

export { wsgiConfigFiles } from './files.ts'

export type AnyGroup = OptionGroup<Record<string, Option<unknown>>>

export interface SourceRequest {
  /** Read first, in this order, unless `argv` has `--config-file`. Each must exist. */
  readonly files: readonly string[]
  /** The program's name, such as `nova-api-os-compute`: `<prog>.conf.d` is looked for. */
  readonly prog: string
  readonly project?: string
  /** Variables of the environment; none when absent. */
  readonly env?: Environment
  /** Arguments after the server's own: `--config-file`, `--config-dir`, and the options of `argvOptions`. */
  readonly argv?: readonly string[]
  /** Options that may stand in `argv`, such as `--debug`. */
  readonly argvOptions?: readonly AnyGroup[]
  /** Options whose defaults a `$name` may stand for. */
  readonly declared?: readonly AnyGroup[]
  /** Directories in which `nova.conf.d` and `<prog>.conf.d` are looked for; oslo.config's own when absent. */
  readonly searchIn?: readonly string[]
}

/** A text that was given for an option, and where. */
export interface Given {
  readonly text: string
  readonly place: Place
}

export interface Sources {
  /** The files that were read, in order. */
  readonly files: readonly string[]
  /** All groups that some file names. */
  readonly groups: ReadonlySet<string>
  /** Every text given for an option in the source that wins, last wins; empty when it was not set. A multi option gathers those of all files. */
  find(group: string, option: Pick<Option<unknown>, 'name' | 'deprecated' | 'kind'>): readonly Given[]
  /** The declaration of an option, when `declared` has it. */
  declaration(group: string, name: string): Option<unknown> | undefined
  /** What an operator should be told, such as names that are deprecated. Grows while settings are read. */
  readonly notices: ReadonlySet<string>
  /** Reads the same files again, for SIGHUP; see `reread`. */
  reload(): Promise<Sources>
}

/** Reads all sources. Throws `ConfigError` for a file that is missing, unreadable or malformed, and for an argument nobody declared. */
export async function readSources(request: SourceRequest): Promise<Sources> {
  const { project = 'nova', prog, env = {}, argv = [], argvOptions = [], declared = [] } = request
  const given = readArguments(argv, argvOptions)
  const searchIn = request.searchIn ?? searchDirectories(project, env)
  const paths: string[] = []
  if (!given.files.some(({ kind }) => kind === 'file')) paths.push(...request.files)
  if (!given.files.some(({ kind }) => kind === 'directory'))
    for (const directory of findConfigDirectories(project, prog, searchIn)) paths.push(...(await configFilesIn(directory)))
  for (const { kind, path } of given.files)
    paths.push(...(kind === 'file' ? [absolutePath(path, env)] : await configFilesIn(absolutePath(path, env))))
  const files: IniFile[] = []
  for (const path of paths) files.push(await readIniFile(path))

  const sources = lookUp(files, env, given.values, declared, () => readSources(request))
  refuseOtherSources(sources)
  return sources
}

function lookUp(
  files: readonly IniFile[],
  env: Environment,
  argumentValues: ArgumentValues,
  declared: readonly AnyGroup[],
  reload: () => Promise<Sources>,
): Sources {
  const newestFirst = files.toReversed()
  const notices = new Set<string>()
  return {
    files: files.map(({ file }) => file),
    groups: new Set(files.flatMap(({ sections }) => [...sections.keys()])),
    notices,
    reload,
    declaration: (group, name) =>
      declared
        .filter((each) => groupName(each.group) === groupName(group))
        .flatMap((each) => Object.values(each.options))
        .find((option) => option.name === name),
    find(group, option) {
      const argument = argumentValues.get(`${groupName(group)}/${option.name}`)
      if (argument) return argument
      const variable = `OS_${group}__${option.name}`.toUpperCase()
      const value = env[variable]
      if (value !== undefined) return [{ text: value, place: { kind: 'environment', name: variable } }]
      return findInFiles(newestFirst, group, option, notices)
    },
  }
}

function findInFiles(
  newestFirst: readonly IniFile[],
  group: string,
  { name, deprecated, kind }: Pick<Option<unknown>, 'name' | 'deprecated' | 'kind'>,
  notices: Set<string>,
): readonly Given[] {
  const found: Given[] = []
  const names = [`${group}/${name}`, ...deprecated]
  for (const { file, sections } of newestFirst)
    for (const [index, each] of names.entries()) {
      const slash = each.indexOf('/')
      const [itsGroup, itsName] = slash < 0 ? [group, each] : [each.slice(0, slash), each.slice(slash + 1)]
      const assignments = sections.get(groupName(itsGroup))?.get(itsName)
      if (!assignments) continue
      if (index > 0) notices.add(`Option "${itsName}" from group "${itsGroup}" is deprecated. Use option "${name}" from group "${group}".`)
      found.unshift(...assignments.map(({ text, line }): Given => ({ text, place: { kind: 'file', file, line } })))
      if (kind !== 'multi') return found
    }
  return found
}

/** oslo.config's drivers (`[DEFAULT] config_source`) are not built: what they hold would be missed without a word. */
function refuseOtherSources(sources: Sources): void {
  const [set] = sources.find('DEFAULT', { name: 'config_source', deprecated: [], kind: 'list' })
  if (set && set.text.trim() !== '')
    throw new ConfigError('only files, the environment and arguments can be read', { place: set.place, option: '[DEFAULT] config_source' })
}
