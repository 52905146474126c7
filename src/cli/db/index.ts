/** `nova-ts db sync|version`: makes Nova's tables in the databases of a configuration, and tells their revision. */
import { settings } from '../../oslo/config/settings.ts'
import type { Sources } from '../../oslo/config/sources.ts'
import { type Database, openDatabase } from '../../oslo/database/database.ts'
import { DatabaseError } from '../../oslo/database/errors.ts'
import { apiDatabaseOptions, type DatabaseSettings, databaseOptions } from '../../oslo/database/options.ts'
import type { Schema } from '../../oslo/database/schema.ts'
import { describeUrl } from '../../oslo/database/url.ts'
import { messagingOptions } from '../../oslo/messaging/options.ts'
import { cell0Uuid, cellMappings } from '../../stores/api/mappings.ts'
import { type ApiTables, apiSchema } from '../../stores/api/schema.ts'
import { cellSchema } from '../../stores/cell/schema.ts'
import { expandUrl } from '../../stores/cell-urls.ts'
import { apiRevision, cellRevision, syncApi, syncCell, versionOf } from '../../stores/sync.ts'
import { configurationFlagNames, configurationFlags, configurationHelp, readConfiguration, refusing } from '../configuration.ts'
import { meant } from '../parse.ts'
import { type Command, Refusal, type Terminal, UsageError } from '../usage.ts'

const help = `nova-ts db: Nova's databases, as a configuration names them

  nova-ts db sync         make the tables that are not there yet: of [api_database], of [database] and of cell0, as nova-manage does
  nova-ts db version      the revision of each; status 1 when one is not what this release needs

  --api, --main           only [api_database], only [database]
  --all-cells             every cell that is mapped, not only cell0
${configurationHelp}`

type Place = 'api' | 'main' | 'cell'

interface Target {
  readonly name: string
  readonly place: Place
  readonly url: string
  readonly settings: DatabaseSettings
}

interface Which {
  readonly api: boolean
  readonly main: boolean
  readonly allCells: boolean
}

export const db: Command = async ([verb, ...argv], terminal) => {
  if (verb === undefined || [verb, ...argv].some((word) => word === '--help' || word === '-h')) {
    terminal.out(help)
    return verb === undefined ? 2 : 0
  }
  if (verb !== 'sync' && verb !== 'version') throw new UsageError(`there is no command db ${verb}; there are sync, version`)
  const { files, rest } = configurationFlags(argv)
  const which = whichOf(rest)
  const sources = await readConfiguration(files, terminal)
  return verb === 'sync' ? sync(sources, which, terminal) : version(sources, which, terminal)
}

function whichOf(argv: readonly string[]): Which {
  const flags = ['--api', '--main', '--all-cells']
  const unknown = argv.find((word) => !flags.includes(word))
  if (unknown !== undefined) throw new UsageError(`db does not know ${unknown}${meant(unknown, [...flags, ...configurationFlagNames])}`)
  const [api, main] = [argv.includes('--api'), argv.includes('--main')]
  return { api: api || !main, main: main || !api, allCells: argv.includes('--all-cells') }
}

/** Those named by the configuration first: where the cells are is then read from nova_api. */
async function* targets(sources: Sources, which: Which): AsyncGenerator<Target> {
  const api = await refusing(() => settings(apiDatabaseOptions, sources))
  const main = await refusing(() => settings(databaseOptions, sources))
  if (which.api) yield named('[api_database]', 'api', api)
  if (which.main) yield named('[database]', 'main', main)
  if (!(which.api && which.main) && !which.allCells) return
  for (const { uuid, name, url } of await mapped(sources, api, main))
    if (url !== main.connection && (which.allCells || uuid === cell0Uuid))
      yield { name: `cell ${name ?? uuid}`, place: 'cell', url, settings: main }
}

function named(name: string, place: Place, own: DatabaseSettings): Target {
  if (!own.connection) throw new Refusal(`${name} connection is not set`)
  return { name, place, url: own.connection, settings: own }
}

async function mapped(sources: Sources, api: DatabaseSettings, main: DatabaseSettings) {
  const { transportUrl } = await refusing(() => settings(messagingOptions, sources))
  const database = await openDatabase(api.connection!, { schema: apiSchema, settings: api })
  try {
    if ((await versionOf(database)) === null) return []
    const mappings = await cellMappings(database, Date.now).list()
    return mappings.map(({ uuid, name, databaseConnection }) => ({
      uuid: uuid!,
      name,
      url: expandUrl(databaseConnection ?? '', main.connection ?? transportUrl, (why) => {
        throw new Refusal(`cell ${name ?? uuid}: ${why}`)
      }),
    }))
  } finally {
    await database.close()
  }
}

const schemaOf = (place: Place): Schema => (place === 'api' ? apiSchema : cellSchema)

async function using<T>(
  { url, place, name, settings }: Target,
  create: boolean,
  work: (database: Database<never>) => Promise<T>,
): Promise<T> {
  try {
    const database = (await openDatabase(url, { schema: schemaOf(place), create, settings })) as unknown as Database<never>
    try {
      return await work(database)
    } finally {
      await database.close()
    }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    throw new Refusal(error.message.includes('://') ? `${name}: ${error.message}` : `${name}, ${describeUrl(url)}: ${error.message}`, {
      cause: error,
    })
  }
}

async function sync(sources: Sources, which: Which, terminal: Terminal): Promise<number> {
  for await (const target of targets(sources, which)) {
    const synced = await using(target, true, (database) =>
      target.place === 'api' ? syncApi(database as unknown as Database<ApiTables>) : syncCell(database as never),
    )
    terminal.out(line(target, synced === 'created' ? 'made' : 'was there', needed(target)))
  }
  return 0
}

async function version(sources: Sources, which: Which, terminal: Terminal): Promise<number> {
  let status = 0
  for await (const target of targets(sources, which)) {
    const found = await using(target, false, (database) => versionOf(database))
    const right = found === needed(target)
    if (!right) status = 1
    terminal.out(line(target, right ? 'as needed' : `${needed(target)} is needed`, found ?? 'no tables'))
  }
  return status
}

const needed = ({ place }: Target): string => (place === 'api' ? apiRevision : cellRevision)

const line = ({ name, url }: Target, what: string, revision: string): string =>
  `${name.padEnd(15)} ${revision.padEnd(12)}  ${what}  (${describeUrl(url)})\n`
