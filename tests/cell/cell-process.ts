/** A cell in a process of its own, to be killed: `cell-process.ts FOLDER SOCKET NETWORK_URL IMAGE_URL VOLUME_URL PLACEMENT_URL [broker]`. With `broker` it holds the message broker, too. */
import { randomUUID } from 'node:crypto'
import { startCell } from '../../src/cloud/cell/index.ts'
import { type Auth, fixedAuth, userAuth } from '../../src/oslo/keystoneauth/auth.ts'
import { defaultsOf } from '../../src/oslo/keystoneauth/fixture.ts'
import { sessionOptions } from '../../src/oslo/keystoneauth/options.ts'
import { createSession } from '../../src/oslo/keystoneauth/session.ts'
import { silent } from '../../src/oslo/log.ts'
import { localDriver } from '../../src/oslo/messaging/local/driver.ts'
import { listenLocal } from '../../src/oslo/messaging/local/listen.ts'
import { cinder } from '../../src/peers/cinder.ts'
import { glance } from '../../src/peers/glance.ts'
import { neutron } from '../../src/peers/neutron.ts'
import { placement } from '../../src/peers/placement.ts'
import { hostPlacement } from '../../src/peers/placement-hosts.ts'
import type { PeerService } from '../../src/peers/service.ts'
import { openStores } from '../support/cell/databases.ts'

const [folder, socketPath, networkUrl, imageUrl, volumeUrl, placementUrl, broker] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string?,
]
const clock = { now: () => Date.now() }

function peer(url: string, serviceType?: string): PeerService {
  const session = createSession({ settings: defaultsOf(sessionOptions), log: silent }).with({
    endpointOverride: url,
    connectRetries: 2,
    ...(serviceType && { serviceType }),
  })
  const own: Auth = fixedAuth(url, 'nova')
  return {
    as: (context) => session.with({ auth: userAuth(context, { service: own }) }),
    own: session.with({ auth: own }),
    close: () => session.close(),
  }
}

if (broker) await listenLocal({ socketPath, report: () => {} })
const say = (message: string, details?: { error?: unknown }) => {
  if (process.env.CELL_LOG) process.stderr.write(`${message} ${details?.error instanceof Error ? details.error.stack : ''}\n`)
}
await startCell({
  driver: localDriver({ socketPath }),
  stores: await openStores(folder, clock.now),
  cell: 'cell1',
  peers: {
    neutron: neutron(peer(networkUrl), { clock, extensionSeconds: 600 }),
    glance: glance(peer(imageUrl), { servers: [] }),
    cinder: cinder(peer(`${volumeUrl}/v3`, 'block-storage')),
    placement: placement(peer(placementUrl, 'placement')),
    hostPlacement: hostPlacement(peer(placementUrl, 'placement')),
  },
  settings: { timings: { scale: 0.1 }, sweepSeconds: 1, graceSeconds: 10, heartbeatSeconds: 1 },
  clock,
  ids: { uuid: () => randomUUID() },
  random: Math.random,
  log: { ...silent, error: say, warning: say },
})
process.stdout.write('ready\n')
