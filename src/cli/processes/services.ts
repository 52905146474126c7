/** The services around Nova, in one process with a port each: identity, image, network, volume and placement. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Application, Request } from '../../app/contract.ts'
import { lastResort } from '../../app/last-resort.ts'
import { ask } from '../../cloud/ask.ts'
import { askAt } from '../../cloud/ask-at.ts'
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
import { nova as computeAt, glance as imagesAt, volume } from '../../cloud/volume/index.ts'
import { listen } from './listen.ts'
import { programLogs } from './log.ts'
import type { Program } from './program.ts'

const clock = { now: () => Date.now() }
const ids = { uuid: () => randomUUID() }

export const program: Program = async (place) => {
  const files = layout(place.state)
  const logs = await programLogs(place)
  const reportOf = (service: string) => (error: unknown, request?: Request) =>
    logs.named(`cloud.${service}`).error(request ? `${request.method} ${request.path} failed` : 'Something begun failed', { error })
  const shelf = (name: string) => openShelf(files.database(name))
  const shelves = {
    identity: shelf('identity'),
    image: shelf('image'),
    network: shelf('network'),
    volume: shelf('volume'),
    placement: shelf('placement'),
  }

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
  const host = new URL(urlOf(place, 'identity')).host
  const tokenOf = (user: 'neutron' | 'cinder') =>
    ownToken(keystone.application, { user, password: secrets.passwords[user], project: 'service', host }, clock)
  const events = computeEvents({
    url: urlOf(place, 'compute'),
    token: tokenOf('neutron'),
    warn: (message) => logs.named('cloud.network').warning(message),
  })
  const neutron = network({ ...parts, shelf: shelves.network, authenticate, report: reportOf('network'), notify: events.notify })
  const cinder = volume({
    ...parts,
    shelf: shelves.volume,
    authenticate,
    report: reportOf('volume'),
    identity: login,
    images: imagesAt((route, asked) => ask(glance.application, route, asked)),
    compute: computeAt(askAt(new URL(urlOf(place, 'compute')).origin), tokenOf('cinder')),
  })
  const resources = placement({ ...parts, shelf: shelves.placement, authenticate, report: reportOf('placement'), identity: login })

  await keystone.bootstrap(identitySeed(secrets))
  const admin = keystone.projectId('admin')
  await glance.seed(admin ?? null)
  cinder.seed()
  const demo = keystone.projectId('demo')
  if (!existsSync(files.seeded) && admin !== undefined && demo !== undefined) {
    neutron.seed(networkPlan(admin, demo))
    writeWhole(files.seeded, '{ "networks": true }\n')
  }

  const open = (name: keyof typeof shelves, { application }: { application: Application }) =>
    listen(lastResort(reportOf(name))(application), { host: place.bind, port: place.ports[name] })
  const servers = await Promise.all([
    open('identity', keystone),
    open('image', glance),
    open('network', neutron),
    open('volume', cinder),
    open('placement', resources),
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
