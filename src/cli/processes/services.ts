/** The services around Nova, in one process with a port each: identity, image, network and placement. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Request } from '../../app/contract.ts'
import { computeEvents } from '../../cloud/compute-events.ts'
import { identity } from '../../cloud/identity/index.ts'
import { image } from '../../cloud/image/index.ts'
import { network } from '../../cloud/network/index.ts'
import { ownToken } from '../../cloud/own-token.ts'
import { placement } from '../../cloud/placement/index.ts'
import { catalog, urlOf } from '../../cloud/places.ts'
import { ensureSecrets } from '../../cloud/secrets.ts'
import { identitySeed, networkPlan } from '../../cloud/seed.ts'
import { openShelf } from '../../cloud/shelf.ts'
import { layout, writeWhole } from '../../cloud/state.ts'
import { listen } from './listen.ts'
import { programLogs } from './log.ts'
import type { Program } from './program.ts'

const clock = { now: () => Date.now() }
const ids = { uuid: () => randomUUID() }

export const program: Program = async (place) => {
  const files = layout(place.state)
  const logs = await programLogs(place)
  const reportOf = (service: string) => (error: unknown, request: Request) =>
    logs.named(`cloud.${service}`).error(`${request.method} ${request.path} failed`, { error })
  const shelf = (name: string) => openShelf(files.database(name))
  const shelves = { identity: shelf('identity'), image: shelf('image'), network: shelf('network'), placement: shelf('placement') }

  const parts = { clock, ids }
  const keystone = identity({ ...parts, shelf: shelves.identity, endpoints: catalog(place.ports), report: reportOf('identity') })
  const { authenticate } = keystone
  const login = `{scheme}://{hostname}:${place.ports.identity}/v3`
  const glance = image({
    ...parts,
    shelf: shelves.image,
    folder: files.images,
    authenticate,
    report: reportOf('image'),
    identity: login,
  })
  const secrets = ensureSecrets(files)
  const asNeutron = {
    user: 'neutron',
    password: secrets.passwords.neutron,
    project: 'service',
    host: new URL(urlOf(place, 'identity')).host,
  }
  const events = computeEvents({
    url: urlOf(place, 'compute'),
    token: ownToken(keystone.application, asNeutron, clock),
    warn: (message) => logs.named('cloud.network').warning(message),
  })
  const neutron = network({ ...parts, shelf: shelves.network, authenticate, report: reportOf('network'), notify: events.notify })
  const resources = placement({ ...parts, shelf: shelves.placement, authenticate, report: reportOf('placement'), identity: login })

  await keystone.bootstrap(identitySeed(secrets))
  const admin = keystone.projectId('admin')
  await glance.seed(admin ?? null)
  const demo = keystone.projectId('demo')
  if (!existsSync(files.seeded) && admin !== undefined && demo !== undefined) {
    neutron.seed(networkPlan(admin, demo))
    writeWhole(files.seeded, '{ "networks": true }\n')
  }

  const at = (port: number): { host: string; port: number } => ({ host: place.bind, port })
  const servers = await Promise.all([
    listen(keystone.application, at(place.ports.identity)),
    listen(glance.application, at(place.ports.image)),
    listen(neutron.application, at(place.ports.network)),
    listen(resources.application, at(place.ports.placement)),
  ])
  return {
    async close() {
      await Promise.all(servers.map((server) => server.close()))
      await events.close()
      for (const shelf of Object.values(shelves)) shelf.close()
      logs.flush()
    },
  }
}
