/** What runs in a cell over its databases: the message broker, and who takes the messages: conductor, scheduler and the simulated hosts. */

import { startCell } from '../../cloud/cell/index.ts'
import { databaseUrl } from '../../cloud/configuration.ts'
import { layout } from '../../cloud/state.ts'
import { openDatabase } from '../../oslo/database/database.ts'
import { listenLocal } from '../../oslo/messaging/local/listen.ts'
import { connectPeers } from '../../peers/peers.ts'
import { apiSchema } from '../../stores/api/schema.ts'
import { openCells } from '../../stores/cells.ts'
import { apiStore } from '../../stores/stores.ts'
import { clock, configure, ids } from '../../wsgi/backends.ts'
import { peerSettings } from '../../wsgi/options.ts'
import type { Program } from './program.ts'

/** How long a database may take. */
const deadlineSeconds = 10

export const runCell: Program = async (place) => {
  const files = layout(place.state)
  const { sources, logs } = await configure('nova-compute')
  const log = logs.named('cloud.cell')
  const broker = await listenLocal({ socketPath: files.messages, report: (error) => log.warning(`The message broker: ${error}`) })
  const driver = broker.driver()
  const database = await openDatabase(databaseUrl(files, 'nova_api'), { schema: apiSchema })
  const api = apiStore(database, clock.now)
  const stores = { api, cells: openCells({ mappings: api.cellMappings, now: clock.now, deadlineSeconds }) }
  const peers = connectPeers(peerSettings(sources), { log: logs.named('keystoneauth'), clock })
  const cell = await startCell({ driver, stores, cell: 'cell1', peers, clock, ids, random: Math.random, log })
  return {
    async close() {
      await cell.stop()
      await driver.close()
      await broker.close()
      await peers.close()
      await stores.cells.close()
      await database.close()
      logs.flush()
    },
  }
}
