/** Finds the application that a module exports, in any of the forms that applications have. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Application } from '../app/contract.ts'
import { soundly } from '../app/sound-answer.ts'
import { type FetchApplication, fromFetch } from './fetch-application.ts'

export interface Loaded {
  readonly application: Application
  /** Resolves when it can serve; rejects with what keeps it from serving. */
  readonly ready: () => Promise<void>
}

/** A module that is not there, that fails, or that exports no application. */
export class NoApplication extends Error {
  override readonly name = 'NoApplication'
}

/** Nova's names of its two modules, which stand in the files of operators. */
const known: Readonly<Record<string, string>> = {
  'nova.wsgi.osapi_compute': 'nova-ts/wsgi/osapi_compute',
  'nova.wsgi.metadata': 'nova-ts/wsgi/metadata',
  'nova.wsgi.osapi_compute.py': 'nova-ts/wsgi/osapi_compute',
  'nova.wsgi.metadata.py': 'nova-ts/wsgi/metadata',
}

/** What an import gives. */
type Exported = Readonly<Record<string, unknown>>

/** Nova's two modules as this program itself has them, by their names as of a package: a bundle loads its own instead of the sources. */
export type OwnModules = Readonly<Record<string, () => Promise<Exported>>>

export interface LoadOptions {
  readonly from?: string
  readonly own?: OwnModules
}

/**
 * `MODULE` or `MODULE:EXPORT`, where MODULE is a name of Nova's (`nova.wsgi.metadata`), a path, or a package that `from` can import. Without EXPORT
 * it is `application`, else the default export. Throws `NoApplication`.
 */
export async function loadApplication(name: string, { from = process.cwd(), own = {} }: LoadOptions = {}): Promise<Loaded> {
  const { module, key } = splitName(name)
  let exported: Exported
  try {
    exported = await load(module, from, own)
  } catch (error) {
    throw new NoApplication(`${module} cannot be loaded: ${reasonOf(error)}`, { cause: error })
  }
  const value = key === undefined ? (exported.application ?? exported.default) : exported[key]
  const application = applicationOf(value)
  if (!application)
    throw new NoApplication(
      value === undefined
        ? `${module} exports no ${key ?? 'application'}; it exports ${Object.keys(exported).join(', ') || 'nothing'}`
        : `what ${module} exports as ${key ?? 'application'} is no application: it needs .handle, .fetch, or to be a function of a request`,
    )
  const { ready } = value as { ready?: unknown }
  const sound = ownName(module) === undefined ? soundly(application, module) : application
  return { application: sound, ready: typeof ready === 'function' ? async () => void (await ready()) : async () => undefined }
}

function splitName(name: string): { module: string; key: string | undefined } {
  const [, module, key] = /^(.+?)(?::([A-Za-z_$][\w$]*))?$/.exec(name) ?? []
  return { module: module ?? name, key }
}

/** In one line: what Node adds of who asked for a module that is not there names files of ours. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\nRequire stack:')[0]!

function load(module: string, from: string, own: OwnModules): Promise<Exported> {
  const ours = ownName(module)
  if (ours !== undefined) return own[ours]?.() ?? import(import.meta.resolve(ours))
  return import(locate(module, from))
}

/** The path of one of Nova's two modules in this package. */
const ownName = (module: string): string | undefined => (Object.hasOwn(known, module) ? known[module] : scriptOf(module))

function locate(module: string, from: string): string {
  if (isAbsolute(module) || /^\.\.?\//.test(module) || existsSync(resolve(from, module))) return pathToFileURL(resolve(from, module)).href
  if (/^(file|data):/.test(module)) return module
  return pathToFileURL(createRequire(join(from, 'package.json')).resolve(module)).href
}

/** A path of Nova's own scripts, as in `wsgi-file = …/nova/wsgi/osapi_compute.py`. */
function scriptOf(module: string): string | undefined {
  const [, service] = /(?:^|\/)nova\/wsgi\/(osapi_compute|metadata)\.py$/.exec(module) ?? []
  if (service) return `nova-ts/wsgi/${service}`
  // the names of the scripts before release 33, which deployment tools still write
  const [, script] = /(?:^|\/)nova-(api|metadata)-wsgi$/.exec(module) ?? []
  return script && `nova-ts/wsgi/${script === 'api' ? 'osapi_compute' : 'metadata'}`
}

function applicationOf(value: unknown): Application | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  const { handle, fetch } = value as { handle?: unknown; fetch?: unknown }
  if (typeof handle === 'function') return handle as Application
  if (typeof fetch === 'function') return fromFetch((request) => (fetch as FetchApplication).call(value, request))
  return typeof value === 'function' && value.length <= 1 ? (value as Application) : undefined
}
