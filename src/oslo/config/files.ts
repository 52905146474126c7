/** Which configuration files there are: those that a WSGI module names, and those that lie in `<name>.conf.d` directories. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigError } from './error.ts'
import { parseIni, type Sections } from './ini.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A file and what it assigns. */
export interface IniFile {
  readonly file: string
  readonly sections: Sections
}

/** The files of a WSGI service: `OS_NOVA_CONFIG_FILES` (`;` between them) in `OS_NOVA_CONFIG_DIR`. The first is the paste file, all are configuration. */
export function wsgiConfigFiles(env: Environment): [paste: string, ...others: string[]] {
  // nova/api/openstack/wsgi_app.py _get_config_files: absolute names stay as they are
  const directory = (env.OS_NOVA_CONFIG_DIR ?? '/etc/nova').trim()
  const [first, ...others] = (env.OS_NOVA_CONFIG_FILES || 'api-paste.ini;nova.conf').split(';')
  return [resolve(directory, first!), ...others.map((name) => resolve(directory, name))]
}

/** Where oslo.config looks for the files and directories of a project, nearest first. */
export function searchDirectories(project: string, env: Environment): string[] {
  const home = homeOf(env)
  const snaps = [env.SNAP_COMMON, env.SNAP].filter((base) => base !== undefined && base !== '')
  return [join(home, `.${project}`), home, `/etc/${project}`, '/etc', ...snaps.map((base) => join(base!, 'etc', project))]
}

/** The first `<project>.conf.d` and the first `<prog>.conf.d` in the given directories, as far as they exist. */
export function findConfigDirectories(project: string, prog: string, directories: readonly string[]): string[] {
  const firstOf = (name: string) => directories.map((directory) => join(directory, `${name}.conf.d`)).find((path) => existsSync(path))
  return [firstOf(project), firstOf(prog)].filter((path) => path !== undefined)
}

/** The `*.conf` files of a directory, in order of their names. Throws `ConfigError` when there is no such directory. */
export async function configFilesIn(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    const wanted = names.filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    return wanted.sort((a, b) => (a < b ? -1 : 1)).map((name) => join(directory, name))
  } catch (cause) {
    throw new ConfigError(`the configuration directory ${directory} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

/** Reads and parses a file. Throws `ConfigError` when it is missing, unreadable or malformed. */
export async function readIniFile(file: string): Promise<IniFile> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`the configuration file ${file} cannot be read: ${reasonOf(cause)}`, { cause })
  }
  return { file, sections: parseIni(text, file) }
}

/** An absolute path; `~` is the home directory. */
export function absolutePath(path: string, env: Environment): string {
  return resolve(path.replace(/^~(?=\/|$)/, () => homeOf(env)))
}

const homeOf = (env: Environment): string => env.HOME || homedir()

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'it is not a directory',
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}
