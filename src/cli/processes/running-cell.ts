/** What runs over the databases of cells: their message brokers, and who takes the messages: conductors, a scheduler and the simulated hosts. */
import { type CellOptions, startCells } from '../../cloud/cell/index.ts'
import { databaseUrl } from '../../cloud/configuration.ts'
import { cellName, hostName, numbers, type Size } from '../../cloud/places.ts'
import { layout } from '../../cloud/state.ts'
import { openDatabase } from '../../oslo/database/database.ts'
import { listenLocal } from '../../oslo/messaging/local/listen.ts'
import { connectPeers } from '../../peers/peers.ts'
import { apiSchema } from '../../stores/api/schema.ts'
import { openCells } from '../../stores/cells.ts'
import { apiStore } from '../../stores/stores.ts'
import { clock, configure, ids } from '../../wsgi/backends.ts'
import { computeSettings, peerSettings } from '../../wsgi/options.ts'
import type { Program } from './program.ts'

/** How long a database may take. */
const deadlineSeconds = 10

export const runCell: Program = async (place) => {
  const files = layout(place.state)
  const { sources, logs, host } = await configure('nova-compute')
  const log = logs.named('cloud.cell')
  const report = (error: unknown) => log.warning(`The message broker: ${error}`)
  const ends = await Promise.all(
    numbers(place.cells).map(async (number) => {
      const broker = await listenLocal({ socketPath: files.cellMessages(number), report })
      return { number, broker, driver: broker.driver() }
    }),
  )
  const database = await openDatabase(databaseUrl(files, 'nova_api'), { schema: apiSchema })
  const api = apiStore(database, clock.now)
  const stores = { api, cells: openCells({ mappings: api.cellMappings, now: clock.now, deadlineSeconds }) }
  const peers = connectPeers(peerSettings(sources), { log: logs.named('keystoneauth'), clock })
  const { crossAzAttach } = computeSettings(sources).cinder
  const cells = ends.map(({ number, driver }) => {
    const settings = { ...settingsOf(number, place, host), crossAzAttach }
    return { driver, cell: cellName(number), settings }
  })
  const running = await startCells({ stores, cells, peers, clock, ids, random: Math.random, log, faultsFile: files.faults })
  return {
    async close() {
      await running.stop()
      for (const { driver, broker } of ends) {
        await driver.close()
        await broker.close()
      }
      await peers.close()
      await stores.cells.close()
      await database.close()
      logs.flush()
    },
  }
}

/** The first cell has the names that a cloud with a single one has; its conductor is on the host of the APIs, [DEFAULT] host of nova.conf. */
const settingsOf = (cell: number, { hosts }: Size, controller: string): CellOptions => ({
  hosts: numbers(hosts).map((host) => ({ name: hostName(cell, host) })),
  controller: cell === 1 ? controller : `${cellName(cell)}-${controller}`,
})
