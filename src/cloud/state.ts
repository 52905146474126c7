/**
 * The directory that holds a cloud: its databases, images, configuration, logs. Files in it are whole or not there, and a directory that
 * holds something else is never touched.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Place, type Ports, type Size, usualSize } from './places.ts'

/** Where things are in a state directory. */
export const layout = (root: string) => ({
  root,
  /** What the directory is, and the settings that the next start takes over. */
  marker: join(root, 'cloud.json'),
  secrets: join(root, 'secrets.json'),
  /** Which things of the first start have been made. */
  seeded: join(root, 'seeded.json'),
  configuration: join(root, 'etc'),
  novaConf: join(root, 'etc', 'nova.conf'),
  /** Not ours: what the owner of the cloud sets, and wins. */
  ownConf: join(root, 'etc', 'local.conf'),
  apiPaste: join(root, 'etc', 'api-paste.ini'),
  policyFile: join(root, 'etc', 'policy.yaml'),
  policyDirectory: join(root, 'etc', 'policy.d'),
  databases: join(root, 'databases'),
  database: (name: string) => join(root, 'databases', `${name}.sqlite`),
  /** The name of a cell's database; that of the first is the one that a Nova without other cells has. */
  cellDatabase: (cell: number) => (cell === 1 ? 'nova' : `nova_cell${cell}`),
  images: join(root, 'images'),
  /** What the cell's simulated hosts keep. */
  cell: join(root, 'cell'),
  /** What people want to fail. */
  faults: join(root, 'cell', 'faults.json'),
  logs: join(root, 'logs'),
  log: (name: string) => join(root, 'logs', `${name}.log`),
  run: join(root, 'run'),
  /** Which processes there are; see `roster.ts`. */
  roster: join(root, 'run', 'roster.json'),
  lock: join(root, 'run', 'lock.sqlite'),
  messages: join(root, 'run', 'messages.sock'),
  /** The message broker of a cell; that of the first is the one that the APIs have beside. */
  cellMessages: (cell: number) => join(root, 'run', cell === 1 ? 'messages.sock' : `cell${cell}.sock`),
  openrc: join(root, 'openrc'),
  cloudsYaml: join(root, 'clouds.yaml'),
})

export type Layout = ReturnType<typeof layout>

/** What goes wrong with a state directory, told to people as it is. */
export class StateError extends Error {
  override readonly name = 'StateError'
}

/** Another process holds the directory: one that runs a cloud in it, or that is just starting it. */
export class StateBusy extends StateError {
  override readonly name = 'StateError'
}

/** The kernel's bound on the path of a socket, less what we add to the directory. */
const maxStateBytes = 85

/** Refuses paths that URLs of databases and brokers, or Nova's templates, cannot carry. */
export function checkStatePath(root: string): void {
  const bad = /[?#%;{}$\n]/.exec(root)
  if (bad) throw new StateError(`the state directory ${root} cannot have ${JSON.stringify(bad[0])} in its path: name another with --state`)
  if (Buffer.byteLength(root) > maxStateBytes)
    throw new StateError(`the path ${root} is too long for the sockets in it (more than ${maxStateBytes} bytes): name another with --state`)
}

const form = 1

interface Marker extends Partial<Size> {
  readonly form: number
  readonly bind: string
  readonly ports: Ports
  /** Set while the directory is being emptied. */
  readonly leaving?: true
}

/** The settings of the last start; undefined when there is no cloud yet. Throws a `StateError` for a directory of something else. */
export function rememberedPlace(root: string): Place | undefined {
  const found = readMarker(root)
  if (!found || found.leaving) return undefined
  const { bind, ports, cells = usualSize.cells, hosts = usualSize.hosts } = found
  return { state: root, bind, ports, cells, hosts }
}

function readMarker(root: string): Marker | undefined {
  const { marker } = layout(root)
  let text: string
  try {
    text = readFileSync(marker, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return refuseForeign(root)
    throw new StateError(`${marker} cannot be read (${code}): name a directory of your own`, { cause })
  }
  const found = parsed(text) as Marker | undefined
  if (!found) throw new StateError(`${marker} is damaged: remove ${root} to begin anew`)
  if (found.form !== form) throw new StateError(`${root} was made by another release of nova-ts (form ${found.form}, not ${form})`)
  return found
}

function refuseForeign(root: string): undefined {
  // a draft of the marker: the very first start was cut short
  const held = existsSync(root) ? readdirSync(root).filter((name) => !isDraft(name)) : []
  if (held.length > 0) throw new StateError(`${root} holds something that is no cloud of nova-ts (${held[0]}, …): name another directory`)
}

/**
 * Makes what is missing of the directories, and notes the settings where there are none. What an interrupted `removeState` left is removed first.
 * A start that was cut short may have left any part of it.
 */
export function openState(place: Place): Layout {
  const { state } = place
  const found = readMarker(state)
  if (found?.leaving) removeState(state)
  const all = layout(state)
  mkdirSync(state, { recursive: true, mode: 0o700 })
  if (!found || found.leaving) rememberPlace(place)
  for (const folder of [all.configuration, all.policyDirectory, all.databases, all.images, all.cell, all.logs, all.run])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  return all
}

/** Notes the settings for the next start. For who holds the directory. */
export const rememberPlace = ({ state, ...place }: Place): void =>
  writeWhole(layout(state).marker, `${JSON.stringify({ form, ...place } satisfies Marker, null, 2)}\n`, { durable: true })

/** Removes what writers left that were killed. For who holds the directory, and only while nothing else runs in it. */
export function removeDrafts({ root, configuration, run }: Layout): void {
  for (const folder of [root, configuration, run])
    for (const name of readdirSync(folder))
      if (isDraft(name) || (folder === run && name.startsWith('.socket-'))) rmSync(join(folder, name), { recursive: true, force: true })
}

/** Removes everything. When it is cut short, the next `openState` or `removeState` finishes it. Returns false when there was no cloud. */
export function removeState(root: string): boolean {
  const found = readMarker(root)
  if (!found) return false
  const { marker } = layout(root)
  writeWhole(marker, `${JSON.stringify({ ...found, leaving: true } satisfies Marker)}\n`, { durable: true })
  for (const name of readdirSync(root)) {
    const path = join(root, name)
    if (path !== marker) rmSync(path, { recursive: true, force: true })
  }
  rmSync(marker)
  try {
    rmSync(root, { recursive: true })
  } catch {
    // where a volume is mounted, the directory itself stays
  }
  return true
}

const isDraft = (name: string): boolean => /\.[0-9a-f]{8}\.new$/.test(name)

/** Writes a file so that it is there as a whole or as it was before. `durable`: even when the machine loses its power. */
export function writeWhole(path: string, text: string, { mode = 0o644, durable = false } = {}): void {
  const draft = `${path}.${randomBytes(4).toString('hex')}.new`
  const file = openSync(draft, 'wx', mode)
  try {
    writeSync(file, text)
    if (durable) fsyncSync(file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  renameSync(draft, path)
}

/** What a file of ours holds; undefined when it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
