/** A cell with everything around it in one process: databases in a folder, a network, an image and a volume service, and what an API does. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../../../src/cloud/ask.ts'
import { startCells } from '../../../src/cloud/cell/index.ts'
import type { CellOptions } from '../../../src/cloud/cell/settings.ts'
import { image as imageService } from '../../../src/cloud/image/index.ts'
import { network } from '../../../src/cloud/network/index.ts'
import { placement as placementService } from '../../../src/cloud/placement/index.ts'
import { cellName, hostName, numbers } from '../../../src/cloud/places.ts'
import { openShelf } from '../../../src/cloud/shelf.ts'
import { type Compute, glance as imagesOf, volume as volumeService } from '../../../src/cloud/volume/index.ts'
import { silent } from '../../../src/oslo/log.ts'
import { memoryDriver } from '../../../src/oslo/messaging/local/in-process.ts'
import { rpcClient } from '../../../src/oslo/messaging/rpc-client.ts'
import { cinder } from '../../../src/peers/cinder.ts'
import { hostVolumes } from '../../../src/peers/cinder-hosts.ts'
import { glance } from '../../../src/peers/glance.ts'
import { type NeutronPort, neutron } from '../../../src/peers/neutron.ts'
import type { ConnectedPeers } from '../../../src/peers/peers.ts'
import { placement } from '../../../src/peers/placement.ts'
import { hostPlacement } from '../../../src/peers/placement-hosts.ts'
import type { Cell } from '../../../src/stores/cells.ts'
import { peerOver } from '../peer-over.ts'
import { acts } from './acts.ts'
import { openStores } from './databases.ts'
import { authenticate, contextOf } from './people.ts'

/** Nothing takes longer than it must. */
export const quick: CellOptions = {
  timings: { scale: 0 },
  heartbeatSeconds: 0,
  sweepSeconds: 0,
  healSeconds: 0,
  graceSeconds: 3600,
}

export interface TestCellOptions {
  readonly settings?: CellOptions
  /** Which requests to other services break. */
  readonly failing?: (method: string, path: string) => boolean
  readonly random?: () => number
  /** How many cells; those after the first have hosts that are called by their cell. */
  readonly cells?: number
}

export type TestCell = Awaited<ReturnType<typeof testCell>>

export async function testCell({ settings = {}, failing = () => false, random = () => 0.5, cells: count = 1 }: TestCellOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cell-'))
  mkdirSync(join(folder, 'images'))
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead }
  const ids = { uuid: () => randomUUID() as string }
  const stores = await openStores(folder, () => clock.now(), count)
  const errors: unknown[] = []
  const report = (error: unknown) => void errors.push(error)
  const net = network({ shelf: openShelf(':memory:'), authenticate, clock, ids, report })
  const images = imageService({ shelf: openShelf(':memory:'), folder: join(folder, 'images'), authenticate, clock, ids, report })
  const disks = volumeService({
    shelf: openShelf(':memory:'),
    authenticate,
    clock,
    ids,
    report,
    images: imagesOf((route, asked) => ask(images.application, route, asked)),
    compute: {
      tell: (...event) => tellCell(...event),
      swap: () => Promise.reject(new Error('not in this test')),
      attachmentOf: async () => undefined,
    },
  })
  disks.seed()
  const resources = placementService({ shelf: openShelf(':memory:'), authenticate, clock, ids, report })
  const places = peerOver(resources.application, { type: 'placement', failing })
  const peers: Pick<ConnectedPeers, 'neutron' | 'glance' | 'cinder' | 'placement' | 'hostPlacement'> = {
    neutron: neutron(peerOver(net.application, { failing }), { clock, extensionSeconds: 600 }),
    glance: glance(peerOver(images.application, { failing }), { servers: [] }),
    cinder: cinder(peerOver(disks.application, { base: '/v3', type: 'volume', failing })),
    placement: placement(places),
    hostPlacement: hostPlacement(places),
  }
  const driver = memoryDriver()
  const log = { ...silent, error: (message: string, details?: { error?: unknown }) => void errors.push(details?.error ?? message) }
  const others = numbers(count - 1).map((index) => {
    const name = cellName(index + 1)
    const hosts = numbers(2).map((host) => ({ name: hostName(index + 1, host) }))
    return { driver: memoryDriver(), cell: name, settings: { hosts, controller: `${name}-controller` } }
  })
  const start = () =>
    startCells({
      cells: [{ driver, cell: 'cell1' }, ...others],
      stores,
      peers,
      settings: { ...quick, ...settings },
      faultsFile: join(folder, 'faults.json'),
      clock,
      ids,
      random,
      log,
    })
  let running = await start()
  const rpc = rpcClient(driver, { responseTimeoutMs: 5000 })
  const all = await stores.cells.all()
  const cell = all.find(({ name }) => name === 'cell1')!
  const cell0 = all.find(({ name }) => name === 'cell0')!
  const acting = acts({ stores, cell, cell0, rpc, clock })
  const tellCell: Compute['tell'] = async (event, servers, volumeId) => {
    for (const uuid of servers) {
      const server = await cell.servers.find(uuid)
      if (server?.host) await acting.event(server, event, volumeId)
    }
  }
  const own = peers.neutron.own
  const shared = await own.create('networks', { name: 'shared', shared: true, tenant_id: 'services' })
  await own.create('subnets', { network_id: shared.id, cidr: '10.10.0.0/16', ip_version: 4, tenant_id: 'services' })
  /** Another network beside the shared one, ann's own. */
  const ownNetwork = async (cidr: string): Promise<string> => {
    const made = await peers.neutron.as(contextOf('ann')).create('networks', { name: 'own' })
    await peers.neutron.as(contextOf('ann')).create('subnets', { network_id: made.id, cidr, ip_version: 4, enable_dhcp: false })
    return made.id
  }

  return {
    ownNetwork,
    stores,
    cell,
    cell0,
    /** By name. */
    cellNamed: (name: string): Cell => all.find((one) => one.name === name)!,
    /** What an API does with a server of another cell. */
    actingIn: (name: string) => acts({ stores, cell: all.find((one) => one.name === name)!, cell0, rpc, clock }),
    driver,
    rpc,
    peers,
    errors,
    clock,
    sharedId: shared.id,
    ...acting,
    sweep: () => running.sweep(),
    ports: (uuid: string): Promise<NeutronPort[]> => own.list('ports', { device_id: uuid }),
    /** As the one who owns the servers. */
    ann: peers.neutron.as(contextOf('ann')),
    images: peers.glance.as(contextOf('ann')),
    volumes: hostVolumes(peers.cinder.as(contextOf('ann'))),
    /** Stops the cell and starts it anew, over the same databases. */
    async restart() {
      await running.stop()
      running = await start()
    },
    async close() {
      await running.stop()
      await rpc.close()
      for (const one of [driver, ...others.map((each) => each.driver)]) await one.close()
      await stores.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
