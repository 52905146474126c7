/** Opens what a service stands on, as its configuration says. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { Clock, Ids } from '../compute/backends.ts'
import { type Notifications, notificationsOptions, openNotifications } from '../compute/notifications/notifications.ts'
import { servicePayload } from '../compute/notifications/payloads.ts'
import { checkUpgradeSettings, computePin, upgradeOptions } from '../compute/rpc/pin.ts'
import type { Rpc } from '../compute/rpc.ts'
import { ConfigError } from '../oslo/config/error.ts'
import { searchDirectories } from '../oslo/config/files.ts'
import { settings } from '../oslo/config/settings.ts'
import { readSources, type Sources, wsgiConfigFiles } from '../oslo/config/sources.ts'
import { adminContext } from '../oslo/context.ts'
import { openDatabase } from '../oslo/database/database.ts'
import { apiDatabaseOptions, databaseOptions } from '../oslo/database/options.ts'
import { type Logs, logOptions, openLogs } from '../oslo/log.ts'
import { wrongMessaging } from '../oslo/messaging/check.ts'
import type { Driver } from '../oslo/messaging/driver.ts'
import { notifierOptions } from '../oslo/messaging/notifier.ts'
import { messagingOptions } from '../oslo/messaging/options.ts'
import { rabbitOptions } from '../oslo/messaging/rabbit/options.ts'
import { type RpcClient, rpcClient } from '../oslo/messaging/rpc-client.ts'
import { openTransport } from '../oslo/messaging/transport.ts'
import { apiSchema } from '../stores/api/schema.ts'
import { cellSchema } from '../stores/cell/schema.ts'
import type { Service } from '../stores/cell/services.ts'
import { expandUrl } from '../stores/cell-urls.ts'
import { type Cell, type CellStore, type Cells, type CellsOptions, CellTimeout, cellStore, openCells } from '../stores/cells.ts'
import { apiStore, type Stores } from '../stores/stores.ts'
import { declared, serviceOptions, workaroundsOptions } from './options.ts'
import { recordService, refuseOldComputes } from './service-record.ts'

/** How long a cell may take to answer; one that was silent gets less the next time (docs/decisions/0003). */
const cellDeadlineSeconds = 10

export interface Configured {
  readonly sources: Sources
  readonly logs: Logs
  /** The first of the configuration files. */
  readonly pasteFile: string
  /** Where relative files of the configuration are looked for, best first. */
  readonly directories: readonly string[]
  readonly host: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the files that OS_NOVA_CONFIG_DIR and OS_NOVA_CONFIG_FILES name, and opens the log. `prog` names directories of its own. Throws a `ConfigError`. */
export async function configure(prog: string, env: Environment = process.env): Promise<Configured> {
  const files = wsgiConfigFiles(env)
  const argv = argumentsIn(env)
  if (!argv.some((word) => word.startsWith('--config-file'))) refuseMissing(files, env)
  const sources = await readSources({ files, prog, env, argv, declared, argvOptions: [logOptions as never] })
  const logs = openLogs({ settings: settings(logOptions, sources), prog })
  const log = logs.named('nova.config')
  for (const notice of sources.notices) log.warning(notice)
  for (const error of wrongMessaging(sources)) throw error
  const directories = [...new Set([...files.map((file) => dirname(file)).reverse(), ...searchDirectories('nova', env)])]
  return { sources, logs, pasteFile: files[0], directories, host: settings(serviceOptions, sources).host ?? hostname() }
}

/** The first mistake of who starts a service: the files are somewhere else. */
function refuseMissing(files: readonly string[], env: Environment): void {
  const missing = files.find((file) => !existsSync(file))
  if (missing === undefined) return
  const [directory, names] = [env.OS_NOVA_CONFIG_DIR, env.OS_NOVA_CONFIG_FILES]
  throw new ConfigError(
    `the configuration file ${missing} does not exist: OS_NOVA_CONFIG_DIR (${directory ?? 'not set: /etc/nova'}) names the directory, ` +
      `OS_NOVA_CONFIG_FILES (${names || 'not set: api-paste.ini;nova.conf'}) the files in it`,
  )
}

/** What a host was given for the application, as `--config-file` and `--debug`; WSGI servers leave it in sys.argv (hosts/running.ts). */
const argumentsIn = (env: Environment): string[] => (env.NOVA_TS_ARGUMENTS ? (JSON.parse(env.NOVA_TS_ARGUMENTS) as string[]) : [])

export const clock: Clock = { now: () => Date.now() }
export const ids: Ids = { uuid: () => randomUUID() }

export interface Opened {
  readonly stores: Stores
  /** The database of [database] connection, opened when it is first asked for. */
  readonly main: () => Promise<CellStore>
  readonly close: () => Promise<void>
}

/** Opens nova_api and the cells, checks the computes and notes this service as `nova-<name>`. Throws `DatabaseUnavailable` while a database is missing. */
export async function openStores(configured: Configured, name: string): Promise<Opened> {
  const { sources, logs } = configured
  const apiSettings = settings(apiDatabaseOptions, sources)
  if (!apiSettings.connection) throw new ConfigError('[api_database] connection is not set')
  const { now } = clock
  const readFrom = apiSettings.synchronousReader ? null : apiSettings.slaveConnection
  const api = await openDatabase(apiSettings.connection, { schema: apiSchema, settings: apiSettings, readFrom })
  try {
    const apiStores = apiStore(api, now)
    const cells = openCells({
      mappings: apiStores.cellMappings,
      now,
      deadlineSeconds: cellDeadlineSeconds,
      ...cellConnections(sources, logs),
    })
    const main = await openMain(configured)
    await enlist(configured, name, main, cells)
    await main.database.close()
    let opened: Promise<CellStore> | undefined
    return {
      stores: { api: apiStores, cells },
      main() {
        opened ??= openMain(configured).catch((error: unknown) => {
          // Tried again the next time
          opened = undefined
          throw error
        })
        return opened
      },
      close: async () => {
        await opened?.then(({ database }) => database.close()).catch(() => undefined)
        await cells.close()
        await api.close()
      },
    }
  } catch (error) {
    await api.close()
    throw error
  }
}

/** How the cells' databases are connected to, and who is told of one that does not answer. */
function cellConnections(sources: Sources, logs: Logs): Pick<CellsOptions, 'settings' | 'expand' | 'report'> {
  const own = settings(databaseOptions, sources)
  const { transportUrl } = settings(messagingOptions, sources)
  const log = logs.named('nova.context')
  return {
    settings: own,
    expand: (template, kind) => expandUrl(template, kind === 'database' ? own.connection : transportUrl, (why) => log.error(why)),
    // nova/context.py scatter_gather_cells
    report: ({ uuid }, error) =>
      error instanceof CellTimeout
        ? log.warning(`Timed out waiting for response from cell ${uuid}.`)
        : log.error(`Error gathering result from cell ${uuid}: ${error instanceof Error ? error.message : String(error)}`),
  }
}

/** As `openStores` for a service that serves one cell alone: nova_api need not be there. */
export async function openOnlyCell(configured: Configured, name: string): Promise<CellStore> {
  const main = await openMain(configured)
  try {
    const gather: Cells['gather'] = async (ask) => {
      const cell: Cell = { ...main, id: 0, uuid: '', name: null, transportUrl: null }
      return [{ cell, value: await ask(cell) }]
    }
    await enlist(configured, name, main, { gather })
    return main
  } catch (error) {
    await main.database.close()
    throw error
  }
}

/** The database of [database] connection: cell0 where there are several, or the one cell. */
async function openMain({ sources }: Configured): Promise<CellStore> {
  const own = settings(databaseOptions, sources)
  if (!own.connection) throw new ConfigError('[database] connection is not set')
  return cellStore(await openDatabase(own.connection, { schema: cellSchema, settings: own }), clock.now, 0)
}

async function enlist(configured: Configured, name: string, main: CellStore, cells: Pick<Cells, 'gather'>): Promise<void> {
  const { sources, logs, host } = configured
  const tolerate = settings(workaroundsOptions, sources).disableComputeServiceCheckForFfu
  await refuseOldComputes(cells, { tolerate, log: logs.named('nova.api.openstack.wsgi_app') })
  const binary = name.startsWith('nova-') ? name : `nova-${name}`
  const created = await recordService(main, { host, binary, uuid: ids.uuid() })
  const service = created && (await main.services.find(host, binary))
  // Not awaited: a broker that is away must not hold up the start
  if (service)
    announce(configured, service).catch((error: unknown) => {
      logs.named('nova.notifications').error(`service.create was not told: ${error instanceof Error ? error.message : error}`)
    })
}

/** Tells that a service came to be. nova/objects/service.py Service.create */
async function announce(configured: Configured, service: Service): Promise<void> {
  const notices = openNotices(configured)
  const source = service.binary === 'nova-osapi_compute' ? 'nova-api' : service.binary!
  await notices.versioned(adminContext(`req-${ids.uuid()}`, clock.now()), () => ({
    object: 'service',
    action: 'create',
    publisher: { host: service.host!, source },
    payload: servicePayload(service, null),
  }))
  await notices.close()
}

/** Who is told what the service does; brokers are connected to when there is something to tell. */
export function openNotices({ sources, logs, host }: Configured): Notifications {
  const notifier = settings(notifierOptions, sources)
  const { transportUrl, controlExchange } = settings(messagingOptions, sources)
  const rabbit = (values: Readonly<Record<string, string>>) => settings(rabbitOptions, sources, { values })
  let driver: Driver | undefined
  const notices = openNotifications({
    settings: settings(notificationsOptions, sources),
    notifier,
    host,
    broker: () => (driver ??= openTransport(notifier.transportUrl ?? transportUrl, { exchange: controlExchange, rabbit })),
    log: logs.named,
    clock,
    ids,
  })
  return {
    ...notices,
    async close() {
      await notices.close()
      await driver?.close()
    },
  }
}

/** Connects to the message brokers, each when it is first needed. */
export function openRpc({ sources, logs }: Configured, cells: Cells): Rpc {
  const { transportUrl, controlExchange, rpcResponseTimeout } = settings(messagingOptions, sources)
  const rabbit = (values: Readonly<Record<string, string>>) => settings(rabbitOptions, sources, { values })
  const log = logs.named('oslo_messaging')
  const report = (error: unknown) => log.warning(`The message broker: ${error instanceof Error ? error.message : error}`)
  const clients = new Map<string, { driver: Driver; client: RpcClient }>()
  const clientOf = (url: string): RpcClient => {
    let known = clients.get(url)
    if (!known) {
      const driver = openTransport(url, { report, exchange: controlExchange, rabbit })
      clients.set(url, (known = { driver, client: rpcClient(driver, { responseTimeoutMs: rpcResponseTimeout * 1000, report }) }))
    }
    return known.client
  }
  const upgrade = settings(upgradeOptions, sources)
  checkUpgradeSettings(upgrade)
  return {
    computePin: computePin(upgrade, cells),
    get top() {
      return clientOf(transportUrl)
    },
    cell: async (cellId) => {
      const cell = await cells.byId(cellId)
      if (!cell?.transportUrl) throw new Error(`cell ${cellId} has no message broker`)
      return clientOf(cell.transportUrl)
    },
    close: async () => {
      for (const { client, driver } of clients.values()) {
        await client.close()
        await driver.close()
      }
    },
  }
}
