/** What becomes of each option of an operator's configuration, and of the paste file. */
import type { Application } from '../../app/contract.ts'
import { authTokenFilters, saslUnsupported, saslWanted } from '../../app/middleware/auth-token.ts'
import { authTokenOptions } from '../../app/middleware/auth-token-options.ts'
import { keystoneContextFilters } from '../../app/middleware/keystone-context.ts'
import { sharedFilters } from '../../app/middleware/shared.ts'
import { composePaste, mergeRegistries, PasteError, type Registry } from '../../app/paste.ts'
import { ConfigError, describePlace } from '../../oslo/config/error.ts'
import { readIniFile, wsgiConfigFiles } from '../../oslo/config/files.ts'
import { group, type Option, type OptionGroup, type Settings } from '../../oslo/config/options.ts'
import { settings } from '../../oslo/config/settings.ts'
import type { AnyGroup, Sources } from '../../oslo/config/sources.ts'
import { DatabaseError } from '../../oslo/database/errors.ts'
import { readMysqlUrl } from '../../oslo/database/mysql-url.ts'
import { defaultConnectionSettings } from '../../oslo/database/options.ts'
import { readPostgresqlUrl } from '../../oslo/database/postgresql-url.ts'
import { describeUrl, parseUrl } from '../../oslo/database/url.ts'
import { authOptions } from '../../oslo/keystoneauth/options.ts'
import { silent } from '../../oslo/log.ts'
import { cacheOptions, unsupportedCache } from '../../oslo/memcached/cache.ts'
import { wrongMessaging } from '../../oslo/messaging/check.ts'
import { declared } from '../../wsgi/options.ts'
import { novaOptions } from './nova-options.ts'
import { differenceOf, reasonOf } from './reasons.ts'

export type Outcome = 'honoured' | 'ignored' | 'different' | 'unknown' | 'refused'

export interface Finding {
  readonly outcome: Outcome
  readonly group: string
  /** The option; empty for what is wrong with a whole file. */
  readonly name: string
  /** `file:line`, or the name of a variable. */
  readonly place: string
  /** Nothing more need be said of what is honoured. */
  readonly why: string
}

type Environment = Readonly<Record<string, string | undefined>>

interface Assigned {
  readonly group: string
  readonly name: string
  readonly text: string
  readonly place: string
}

const fixed: readonly AnyGroup[] = [...declared, authTokenOptions as unknown as AnyGroup]

/** Those that are read, with the ones that `auth_section` names. */
function groupsOf(sources: Sources): readonly AnyGroup[] {
  const { authSection } = authOptions
  const named = fixed
    .filter(({ options }) => 'authSection' in options)
    .map(({ group: name }) => settings(group(name, { authSection }), sources).authSection)
  return [...fixed, ...named.flatMap((name) => (name ? [group(name, authOptions) as unknown as AnyGroup] : []))]
}

/** One for each option that is set. The paste file is looked at when there is one. */
export async function checkConfiguration(sources: Sources, env: Environment, pasteFile: string | undefined): Promise<Finding[]> {
  const groups = groupsOf(sources)
  const wrong = wrongSettings(sources, groups)
  const differing = differingSettings(sources)
  const set = [...(await assigned(sources, pasteFile, env)), ...fromEnvironment(env)]
  const findings = set.map((each) => findingOf(each, groups, wrong, differing))
  const elsewhere = wrong.filter(
    (each) => !findings.some(({ outcome, group, name }) => outcome === 'refused' && each.group === group && each.name === name),
  )
  return [...elsewhere, ...findings, ...(pasteFile === undefined ? [] : await wrongPaste(sources, pasteFile))]
}

async function assigned(sources: Sources, pasteFile: string | undefined, env: Environment): Promise<Assigned[]> {
  const found: Assigned[] = []
  const [usual] = wsgiConfigFiles(env)
  for (const file of sources.files) {
    if (file === pasteFile) continue
    const { sections } = await readIniFile(file)
    // Read as a nova.conf too, though another paste file was named
    if (file === usual && [...sections.keys()].some((name) => pasteSection.test(name))) continue
    for (const [group, options] of sections)
      for (const [name, values] of options)
        for (const { text, line } of values) found.push({ group, name: name.replaceAll('-', '_'), text, place: `${file}:${line}` })
  }
  return found
}

const pasteSection = /^(composite|app|application|filter|filter-app|pipeline|server):/

function fromEnvironment(env: Environment): Assigned[] {
  return Object.entries(env).flatMap(([variable, text]) => {
    const [, group, name] = /^OS_([A-Z0-9_]+?)__([A-Z0-9_]+)$/.exec(variable) ?? []
    if (!group || !name || text === undefined) return []
    return [{ group: group === 'DEFAULT' ? group : group.toLowerCase(), name: name.toLowerCase(), text, place: variable }]
  })
}

function findingOf(
  { group, name, text, place }: Assigned,
  groups: readonly AnyGroup[],
  wrong: readonly Finding[],
  differing: readonly Finding[],
): Finding {
  const refused = wrong.find((each) => each.group === group && each.name === name)
  if (refused) return { ...refused, place }
  const other = differing.find((each) => each.group === group && each.name === name)
  if (other) return { ...other, place }
  const different = differenceOf(group, name, text)
  if (different) return { outcome: 'different', group, name, place, why: different }
  if (isDeclared(groups, group, name)) return { outcome: 'honoured', group, name, place, why: '' }
  if (novaOptions.get(group)?.has(name)) return { outcome: 'ignored', group, name, place, why: reasonOf(group) }
  // Sections of an operator's own are read by nobody, [vendordata_dynamic_auth] and the like are Nova's
  const why = novaOptions.has(group)
    ? 'Nova 33 has no such option either: a slip, or of another release'
    : 'Nova 33 has no such group either'
  return { outcome: 'unknown', group, name, place, why }
}

const isDeclared = (groups: readonly AnyGroup[], group: string, name: string): boolean =>
  groups.some((each) =>
    Object.values(each.options).some((option) => {
      const own = each.group === group && option.name === name
      return own || option.deprecated.some((old) => (old.includes('/') ? old === `${group}/${name}` : each.group === group && old === name))
    }),
  )

/** All with which the services would not start. */
function wrongSettings(sources: Sources, groups: readonly AnyGroup[]): Finding[] {
  const values = wrongValues(sources, groups)
  const said = (group: string, name: string): boolean => values.some((each) => each.group === group && each.name === name)
  return [...values, ...wrongUrls(sources), ...wrongBrokers(sources).filter(({ group, name }) => !said(group, name))]
}

/** Values that their options do not take: the services would not start. */
function wrongValues(sources: Sources, groups: readonly AnyGroup[]): Finding[] {
  const found: Finding[] = []
  for (const { group, options } of groups)
    for (const [key, option] of Object.entries(options))
      try {
        settings({ group, options: { [key]: option } }, sources)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        found.push({ outcome: 'refused', group, name: option.name, place: '', why: error.reason })
      }
  return found
}

function wrongBrokers(sources: Sources): Finding[] {
  const found = whenTaken(() => [...wrongMessaging(sources)]) ?? []
  return found.map(({ option = '', place, reason }) => {
    const [, group = '', name = ''] = /^\[(.*)\] (.*)$/.exec(option) ?? []
    return { outcome: 'refused', group, name, place: place ? describePlace(place) : '', why: reason }
  })
}

/** What the services warn of when they start: options that ask for what is not built. */
function differingSettings(sources: Sources): Finding[] {
  const found: Finding[] = []
  const { enabled, backend, memcacheSaslEnabled } = cacheOptions.options
  const cache = taken(group(cacheOptions.group, { enabled, backend, memcacheSaslEnabled }), sources)
  const unsupported = cache && unsupportedCache(cache)
  if (unsupported) found.push({ outcome: 'different', group: cacheOptions.group, place: '', ...unsupported })
  const { memcachedServers, memcacheSaslEnabled: sasl } = authTokenOptions.options
  const tokens = taken(group(authTokenOptions.group, { memcachedServers, memcacheSaslEnabled: sasl }), sources)
  if (tokens && saslWanted(tokens))
    found.push({ outcome: 'different', group: authTokenOptions.group, name: sasl.name, place: '', why: saslUnsupported })
  return found
}

/** Undefined for those with a wrong value, of which more is said elsewhere. */
const taken = <O extends Record<string, Option<unknown>>>(
  options: OptionGroup<O>,
  sources: Sources,
): Settings<OptionGroup<O>> | undefined => whenTaken(() => settings(options, sources))

function whenTaken<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

function wrongUrls(sources: Sources): Finding[] {
  return ['api_database', 'database'].flatMap((group) =>
    ['connection', 'slave_connection'].flatMap((name): Finding[] => {
      const [given] = sources.find(group, { name, deprecated: [], kind: 'text' })
      if (!given) return name === 'connection' ? [{ outcome: 'refused', group, name, place: 'nowhere', why: 'it is not set' }] : []
      const why = wrongWithUrl(given.text)
      return why === undefined ? [] : [{ outcome: 'refused', group, name, place: '', why }]
    }),
  )
}

function wrongWithUrl(text: string): string | undefined {
  try {
    const url = parseUrl(text)
    if (url.engine === 'mysql') readMysqlUrl({ ...url, engine: 'mysql' }, defaultConnectionSettings.connectionParameters)
    if (url.engine === 'postgresql') readPostgresqlUrl({ ...url, engine: 'postgresql' }, defaultConnectionSettings.connectionParameters)
    return undefined
  } catch (error) {
    return error instanceof DatabaseError ? `${describeUrl(text)}: ${error.message}` : (error as Error).message
  }
}

const nothing: Application = async () => ({ status: 204, headers: [], body: null })

/** Composes both services as they are at a start, but for what they answer. */
async function wrongPaste(sources: Sources, file: string): Promise<Finding[]> {
  const apps: Registry['apps'] = Object.fromEntries(
    [
      'nova.api.openstack.compute:APIRouterV21.factory',
      'nova.api.openstack.compute.versions:Versions.factory',
      'nova.api.openstack.compute.versions:VersionsV2.factory',
      'nova.api.metadata.handler:MetadataRequestHandler.factory',
    ].map((name) => [name, () => nothing]),
  )
  const clock = { now: () => Date.now() }
  const logger = () => silent
  const registry = mergeRegistries(
    sharedFilters(sources, logger),
    authTokenFilters({ sources, logger, clock }),
    keystoneContextFilters({ isAdmin: () => false, clock }),
    { filters: {}, apps, composites: {} },
  )
  const found: Finding[] = []
  for (const name of ['osapi_compute', 'metadata'])
    try {
      await composePaste({ file, name, registry, log: silent })
    } catch (error) {
      if (!(error instanceof PasteError || error instanceof ConfigError)) throw error
      found.push({ outcome: 'refused', group: name, name: '', place: file, why: error.message })
    }
  // One section may be wrong for both
  return found.filter((each, index) => found.findIndex(({ why }) => why === each.why) === index)
}
