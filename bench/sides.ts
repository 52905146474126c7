/**
 * What bench/run.ts compares: the two services of a checkout as an operator runs them (`nova-ts host`, from its bundle where it has one), over the
 * identity of an embedded cloud, over databases of their own choice, and beside a Neutron that answers at once.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../src/oslo/database/database.ts'
import { cellMappings } from '../src/stores/api/mappings.ts'
import { apiSchema } from '../src/stores/api/schema.ts'
import { cellSchema } from '../src/stores/cell/schema.ts'
import { syncApi, syncCell } from '../src/stores/sync.ts'
import type { Cloud } from '../tests/support/cloud.ts'
import { freePorts } from '../tests/support/free-ports.ts'
import { createDatabase } from '../tests/support/server-databases.ts'

/** Connection strings. */
export interface Databases {
  readonly api: string
  readonly cell: string
}

export interface Side {
  readonly name: string
  readonly compute: { readonly url: string; readonly pid: number }
  readonly metadata: { readonly url: string; readonly pid: number }
  stop(): Promise<void>
}

/** The files of an embedded cloud. */
export const filesOf = ({ state }: Cloud): Databases => ({ api: fileOf(state, 'nova_api'), cell: fileOf(state, 'nova') })
const fileOf = (state: string, name: string): string => `sqlite:///${join(state, 'databases', `${name}.sqlite`)}`

/** Databases on a server (`mysql+pymysql://…/`), made as an operator makes them, with the mappings and flavors of the cloud. */
export async function serverDatabases(server: string, cloud: Cloud): Promise<Databases> {
  const made = { api: `${server}nova_api`, cell: `${server}nova_cell1` }
  await createDatabase(server, 'nova_api')
  await createDatabase(server, 'nova_cell1')
  const cell = await openDatabase(made.cell, { schema: cellSchema })
  await syncCell(cell)
  await cell.close()
  const api = await openDatabase(made.api, { schema: apiSchema })
  const source = await openDatabase(filesOf(cloud).api, { schema: apiSchema })
  await syncApi(api)
  for (const { uuid, name, transportUrl } of await cellMappings(source, Date.now).list())
    if (name === 'cell1')
      await cellMappings(api, Date.now).create({ uuid: uuid!, name, transportUrl: transportUrl!, databaseConnection: made.cell })
  const flavors = await source.rows('SELECT * FROM flavors')
  await api.write((tx) =>
    tx
      .insertInto('flavors')
      .values(flavors as never)
      .execute(),
  )
  await source.close()
  await api.close()
  return made
}

interface SideParts {
  readonly name: string
  /** Where the sources are that are run. */
  readonly checkout: string
  readonly cloud: Cloud
  readonly databases: Databases
  readonly neutron: string
  /** Further arguments of Node. */
  readonly node?: readonly string[]
}

export async function startSide({ name, checkout, cloud, databases, neutron, node = [] }: SideParts): Promise<Side> {
  const folder = join(cloud.folder, name)
  const configuration = join(folder, 'etc')
  mkdirSync(configuration, { recursive: true })
  const { OS_NOVA_CONFIG_DIR: _, ...clean } = process.env
  for (const file of ['nova.conf', 'api-paste.ini']) copyFileSync(join(cloud.state, 'etc', file), join(configuration, file))
  const conf = readFileSync(join(configuration, 'nova.conf'), 'utf8')
  writeFileSync(join(configuration, 'nova.conf'), `${conf}\n[DEFAULT]\nlog_file = ${join(folder, 'nova.log')}\n`)
  const env = {
    ...clean,
    OS_NOVA_CONFIG_DIR: configuration,
    OS_API_DATABASE__CONNECTION: databases.api,
    OS_DATABASE__CONNECTION: databases.cell,
    OS_NEUTRON__ENDPOINT_OVERRIDE: neutron,
  }
  const port = await freePorts(2)
  const start = (module: string, at: number) =>
    spawn(
      process.execPath,
      [...node, join(checkout, 'bin', 'nova-ts.js'), 'host', module, '--listen', `http://127.0.0.1:${at}`, '--tether'],
      {
        env,
        stdio: ['pipe', 'ignore', 'inherit'],
        cwd: folder,
      },
    )
  const [compute, metadata] = [start('nova.wsgi.osapi_compute', port), start('nova.wsgi.metadata', port + 1)]
  await Promise.all([port, port + 1].map(answers))
  return {
    name,
    compute: { url: `http://127.0.0.1:${port}`, pid: compute.pid! },
    metadata: { url: `http://127.0.0.1:${port + 1}`, pid: metadata.pid! },
    stop: async () => void (await Promise.all([compute, metadata].map(ended))),
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}

async function answers(port: number): Promise<void> {
  const end = performance.now() + 20_000
  while (performance.now() < end) {
    const status = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing answers on port ${port}`)
}
