/**
 * Composes an application as paste.deploy does, from the api-paste.ini that operators have and a registry of the factories it may name.
 * Everything is looked up and made at composition, so that a file that names something unknown is refused before the first request.
 *
 *     const app = await composePaste({ file: '/etc/nova/api-paste.ini', name: 'osapi_compute', registry })
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Log } from '../oslo/log.ts'
import type { Application, Filter } from './contract.ts'
import { builtIn, eachInTurn, pipe } from './paste-composites.ts'
import { PasteError, type PasteFile, parsePasteIni } from './paste-ini.ts'
import { loadExport, UnknownModule } from './paste-module.ts'
import { kindOf, soundly } from './sound-answer.ts'

export { PasteError } from './paste-ini.ts'

/** Variables of a paste file: those of DEFAULT, or those of a section. */
export type Variables = Readonly<Record<string, string>>

export type FilterFactory = (globalConf: Variables, localConf: Variables) => Filter | Promise<Filter>
export type AppFactory = (globalConf: Variables, localConf: Variables) => Application | Promise<Application>
export type CompositeFactory = (loader: Loader, globalConf: Variables, localConf: Variables) => Application | Promise<Application>

/** Makes what other sections of the same file describe. */
export interface Loader {
  app(name: string, globalConf?: Variables): Promise<Application>
  filter(name: string, globalConf?: Variables): Promise<Filter>
}

/** Factories under the names that paste files use, `module:factory` or `egg:distribution#entry`. */
export interface Registry {
  readonly filters?: Readonly<Record<string, FilterFactory>>
  readonly apps?: Readonly<Record<string, AppFactory>>
  readonly composites?: Readonly<Record<string, CompositeFactory>>
}

export interface PasteRequest {
  readonly file: string
  /** The section that is the whole: `osapi_compute` or `metadata`. */
  readonly name: string
  readonly registry: Registry
  /** The key of a `pipeline_factory_v21` section that holds: `keystone`, or `noauth2` in deployments that have it. */
  readonly authStrategy?: string
  readonly log?: Pick<Log, 'debug'>
}

/** Composes the application of a section. Throws `PasteError`, which names the file, the section and what there would be. */
export async function composePaste({ file, name, registry, authStrategy = 'keystone', log }: PasteRequest): Promise<Application> {
  const path = resolve(file)
  log?.debug(`Loading app ${name} from ${path}`)
  const known: Required<Registry> = {
    filters: registry.filters ?? {},
    apps: registry.apps ?? {},
    composites: { ...builtIn(authStrategy), ...registry.composites },
  }
  const root = await open(path, {}, path)
  return (await new Composer(known).context(root, 'app', name, {}, [])).make() as Promise<Application>
}

/** Registries as one; of the same name the last one counts. */
export const mergeRegistries = (...all: readonly Registry[]): Registry => ({
  filters: Object.assign({}, ...all.map(({ filters }) => filters)),
  apps: Object.assign({}, ...all.map(({ apps }) => apps)),
  composites: Object.assign({}, ...all.map(({ composites }) => composites)),
})

type Kind = 'app' | 'filter'

/** The section prefixes of a kind; prefixes that mean the same stand together (paste/deploy/loadwsgi.py _App, _Filter). */
const prefixes: Readonly<Record<Kind, readonly (readonly string[])[]>> = {
  app: [['app', 'application'], ['composite', 'composit'], ['pipeline'], ['filter-app']],
  filter: [['filter']],
}

/** The keys that name a factory directly, and how what they name is called. */
const protocols = {
  'paste.app_factory': 'app',
  'paste.composite_factory': 'composite',
  'paste.composit_factory': 'composite',
  'paste.filter_factory': 'filter',
  'paste.filter_app_factory': 'filter_app',
} as const
type Protocol = (typeof protocols)[keyof typeof protocols]

/** A section that was read: its variables may still be changed by the section that uses it; `make` makes what it describes. */
interface Context {
  readonly globalConf: Record<string, string>
  readonly localConf: Record<string, string>
  make(): Promise<Application | Filter>
}

class Composer {
  readonly #registry: Required<Registry>
  constructor(registry: Required<Registry>) {
    this.#registry = registry
  }

  /** Reads what `name` stands for: a section of `file`, or `egg:`, `call:`, `config:`. `trail` holds the sections on the way here. */
  async context(
    file: PasteFile,
    kind: Kind,
    name: string,
    globalConf: Variables,
    trail: readonly string[],
    user?: string,
  ): Promise<Context> {
    const [, scheme, rest] = /^([a-zA-Z]+):(.*)$/.exec(name) ?? []
    if (scheme === undefined) return this.#section(file, kind, name, globalConf, trail, user)
    const at = { file: file.file, section: user }
    const [path, fragment] = splitOnce(rest!, '#')
    switch (scheme.toLowerCase()) {
      case 'config': {
        const other = await open(resolve(dirname(file.file), decodeURIComponent(path)), globalConf, file.file, user)
        return this.context(other, kind, fragment ?? 'main', globalConf, trail, user)
      }
      case 'egg':
        return this.#named(
          kind === 'filter' ? ['filter', 'filter_app'] : ['app', 'composite'],
          eggName(path, fragment),
          file,
          globalConf,
          {},
          trail,
          user,
        )
      case 'call':
        // paste.deploy: the kind of the section says what is called
        return this.#named([callKind(user, kind)], path, file, globalConf, {}, trail, user)
      default:
        throw new PasteError(`'${name}' starts with none of config:, egg:, call:`, at)
    }
  }

  async #section(file: PasteFile, kind: Kind, name: string, outer: Variables, trail: readonly string[], user?: string): Promise<Context> {
    const section = findSection(file, kind, name, user)
    const at = { file: file.file, section }
    const step = `${file.file} [${section}]`
    if (trail.includes(step)) throw new PasteError(`leads back to itself: ${[...trail.slice(trail.indexOf(step)), step].join(' → ')}`, at)
    const way = [...trail, step]
    const { globalConf, localConf, additions, filterWith } = variables(file, section, outer, at)
    const inner = await this.#sectionBody(file, kind, section, { globalConf, localConf, additions }, way)
    if (filterWith === undefined) return inner
    const filter = await this.context(file, 'filter', filterWith, globalConf, way, section)
    return {
      globalConf: inner.globalConf,
      localConf: inner.localConf,
      async make() {
        const wrap = (await filter.make()) as Filter
        const wrapped = await inner.make()
        return kind === 'app' ? wrap(wrapped as Application) : (app: Application) => wrap((wrapped as Filter)(app))
      },
    }
  }

  async #sectionBody(
    file: PasteFile,
    kind: Kind,
    section: string,
    { globalConf, localConf, additions }: SectionVariables,
    trail: readonly string[],
  ): Promise<Context> {
    const at = { file: file.file, section }
    if (section.startsWith('pipeline:')) {
      const { pipeline, ...extra } = localConf
      const names = pipeline?.split(/\s+/).filter(Boolean) ?? []
      if (names.length === 0) throw new PasteError("there is no 'pipeline'", at)
      if (Object.keys(extra).length > 0) throw new PasteError(`a pipeline takes no other settings: ${Object.keys(extra).join(', ')}`, at)
      const app = await this.context(file, 'app', names.at(-1)!, globalConf, trail, section)
      const filters = await eachInTurn(names.slice(0, -1), (name) => this.context(file, 'filter', name, globalConf, trail, section))
      const make = async () => pipe((await app.make()) as Application, (await eachMade(filters)) as Filter[])
      return { globalConf, localConf, make }
    }
    if (section.startsWith('filter-app:')) {
      const { next, ...own } = localConf
      if (next === undefined) throw new PasteError("there is no 'next'", at)
      const app = await this.context(file, 'app', next, globalConf, trail, section)
      const filter = await this.#factory(file, 'filter', section, { globalConf, localConf: own, additions }, trail)
      const make = async () => ((await filter.make()) as Filter)((await app.make()) as Application)
      return { globalConf, localConf, make }
    }
    return this.#factory(file, kind, section, { globalConf, localConf, additions }, trail)
  }

  /** A section with `use = …` or `paste.…_factory = …`. */
  async #factory(
    file: PasteFile,
    kind: Kind,
    section: string,
    { globalConf, localConf, additions }: SectionVariables,
    trail: readonly string[],
  ) {
    if (localConf.use !== undefined) {
      const { use, ...own } = localConf
      const used = await this.context(file, kind, use, globalConf, trail, section)
      Object.assign(used.globalConf, additions)
      Object.assign(used.localConf, own)
      return used
    }
    const allowed: readonly Protocol[] = kind === 'app' ? ['app', 'composite'] : ['filter', 'filter_app']
    const given = Object.entries(protocols).filter(([key, protocol]) => allowed.includes(protocol) && localConf[key] !== undefined)
    const at = { file: file.file, section }
    if (given.length === 0) throw new PasteError(`names no factory: there is neither 'use' nor 'paste.${kind}_factory'`, at)
    if (given.length > 1) throw new PasteError(`names more than one factory: ${given.map(([key]) => key).join(', ')}`, at)
    const [[key, protocol]] = given as [[string, Protocol]]
    const { [key]: name, ...own } = localConf
    return this.#named([protocol], name!.trim(), file, globalConf, own, trail, section)
  }

  /** A factory by its name: of the registry, else an export of a module. */
  async #named(
    wanted: readonly Protocol[],
    name: string,
    file: PasteFile,
    outer: Variables,
    own: Variables,
    trail: readonly string[],
    section: string | undefined,
  ): Promise<Context> {
    const at = { file: file.file, section }
    const globalConf = { ...outer }
    const localConf = { ...own }
    const make = this.#registered(wanted, name, file, trail, section) ?? (await this.#imported(wanted, name, at))
    return {
      globalConf,
      localConf,
      async make() {
        try {
          return await make(globalConf, localConf)
        } catch (cause) {
          if (cause instanceof PasteError) throw cause
          throw new PasteError(`${name}: ${cause instanceof Error ? cause.message : cause}`, { ...at, cause })
        }
      },
    }
  }

  #registered(
    wanted: readonly Protocol[],
    name: string,
    file: PasteFile,
    trail: readonly string[],
    section: string | undefined,
  ): Factory | undefined {
    const { filters, apps, composites } = this.#registry
    if (wanted.includes('filter') && has(filters, name)) return filters[name]
    if (wanted.includes('app') && has(apps, name)) return apps[name]
    if (!wanted.includes('composite') || !has(composites, name)) return undefined
    const loader: Loader = {
      app: async (each, conf = {}) => (await this.context(file, 'app', each, conf, trail, section)).make() as Promise<Application>,
      filter: async (each, conf = {}) => (await this.context(file, 'filter', each, conf, trail, section)).make() as Promise<Filter>,
    }
    return (globalConf, localConf) => composites[name]!(loader, globalConf, localConf)
  }

  async #imported(wanted: readonly Protocol[], name: string, at: { file: string; section: string | undefined }): Promise<Factory> {
    const [protocol] = wanted
    try {
      if (protocol === 'composite' || name.startsWith('egg:'))
        throw new UnknownModule('only filters and applications can come from modules')
      const factory = await loadExport(name, at.file)
      const sound = (app: unknown) => soundly(callable<Application>(app, name, at), name)
      if (protocol === 'filter_app') return (globalConf, localConf) => (app: Application) => sound(factory(app, globalConf, localConf))
      if (protocol === 'app') return async (globalConf, localConf) => sound(await factory(globalConf, localConf))
      return async (globalConf, localConf) => {
        const filter = callable<Filter>(await factory(globalConf, localConf), name, at)
        return (app: Application) => sound(filter(app))
      }
    } catch (cause) {
      if (!(cause instanceof UnknownModule)) throw new PasteError(`${name}: ${(cause as Error).message}`, { ...at, cause })
      const kinds = { filter: this.#registry.filters, filter_app: {}, app: this.#registry.apps, composite: this.#registry.composites }
      const names = wanted.flatMap((each) => Object.keys(kinds[each])).sort()
      throw new PasteError(`no ${protocol} factory is known as '${name}' (${cause.message}); known are ${names.join(', ') || 'none'}`, {
        ...at,
        cause,
      })
    }
  }
}

/** What code of third parties made. */
function callable<T extends Application | Filter>(made: unknown, name: string, at: { file: string; section: string | undefined }): T {
  if (typeof made !== 'function') throw new PasteError(`${name} made ${kindOf(made)}, and no function`, at)
  return made as T
}

type Factory = (globalConf: Variables, localConf: Variables) => Application | Filter | Promise<Application | Filter>

const has = (record: object, name: string): boolean => Object.hasOwn(record, name)

const eachMade = async (contexts: readonly Context[]): Promise<(Application | Filter)[]> => {
  const made: (Application | Filter)[] = []
  for (const context of contexts) made.push(await context.make())
  return made
}

/** Distribution names are compared without case and with `-`, `_` and `.` alike; the registry has Paste and oslo.middleware as they are mostly written. */
function eggName(distribution: string, entry: string | undefined): string {
  const plain = distribution.toLowerCase().replaceAll(/[-_.]+/g, '.')
  return `egg:${plain === 'paste' ? 'Paste' : plain}#${entry ?? 'main'}`
}

function callKind(section: string | undefined, kind: Kind): Protocol {
  if (kind === 'filter') return 'filter'
  return section?.startsWith('composit') ? 'composite' : 'app'
}

interface SectionVariables {
  readonly globalConf: Record<string, string>
  readonly localConf: Record<string, string>
  /** What `set x = …` adds for the sections that are used from here. */
  readonly additions: Variables
}

/** paste/deploy/loadwsgi.py ConfigLoader.get_context: `set x` changes a global, `get x` takes one over, a name that DEFAULT has is not local. */
function variables(
  file: PasteFile,
  section: string,
  outer: Variables,
  at: { file: string; section: string },
): SectionVariables & { filterWith: string | undefined } {
  const globalConf: Record<string, string> = { ...Object.fromEntries(file.defaults), ...outer }
  const localConf: Record<string, string> = {}
  const additions: Record<string, string> = {}
  const taken: [local: string, global: string][] = []
  for (const [name, value] of file.own(section)) {
    const [, verb, variable] = /^(set|get) (.*)$/.exec(name) ?? []
    if (verb === 'set') additions[variable!.trim()] = globalConf[variable!.trim()] = value
    else if (verb === 'get') taken.push([variable!.trim(), value])
    else if (!file.defaults.has(name)) localConf[name] = value
  }
  for (const [local, global] of taken) {
    if (globalConf[global] === undefined) throw new PasteError(`'get ${local} = ${global}': there is no such global variable`, at)
    localConf[local] = globalConf[global]
  }
  if (localConf.require !== undefined) throw new PasteError("'require' names Python packages, of which there are none here", at)
  const { 'filter-with': filterWith, ...rest } = localConf
  return { globalConf, localConf: rest, additions, filterWith }
}

function findSection(file: PasteFile, kind: Kind, name: string, user: string | undefined): string {
  const named = (prefix: string) =>
    file.sections.filter(
      (section) =>
        (section.startsWith(`${prefix}:`) && section.slice(prefix.length + 1).trim() === name) || (name === 'main' && section === prefix),
    )
  const found = prefixes[kind].flatMap((same) => same.map(named).find((sections) => sections.length > 0) ?? [])
  const at = { file: file.file, section: user }
  if (found.length > 1) throw new PasteError(`'${name}' is ambiguous: ${found.map((each) => `[${each}]`).join(', ')}`, at)
  if (found.length === 1) return found[0]!
  const all = prefixes[kind].flat()
  const there = file.sections.filter((section) => all.some((prefix) => section === prefix || section.startsWith(`${prefix}:`)))
  throw new PasteError(`there is no ${kind} '${name}'; there is ${there.map((each) => `[${each}]`).join(', ') || 'none'}`, at)
}

/** Reads a paste file; `from` and `section` are the place that names it. */
async function open(path: string, inherited: Variables, from: string, section?: string): Promise<PasteFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = missing ? 'does not exist' : `cannot be read: ${(cause as Error).message}`
    throw new PasteError(path === from ? `the paste file ${reason}` : `the file ${path} ${reason}`, { file: from, section, cause })
  }
  return parsePasteIni(text, path, new Map(Object.entries(inherited)))
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
