/** The network, image and volume services of the embedded cloud in this process, as peers of a compute API: what a test sees is what clients see. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../../src/cloud/ask.ts'
import { image as imageService } from '../../src/cloud/image/index.ts'
import { network } from '../../src/cloud/network/index.ts'
import type { Caller } from '../../src/cloud/service.ts'
import { openShelf } from '../../src/cloud/shelf.ts'
import { glance as imagesOf, volume as volumeService } from '../../src/cloud/volume/index.ts'
import { cinder } from '../../src/peers/cinder.ts'
import { glance } from '../../src/peers/glance.ts'
import { neutron } from '../../src/peers/neutron.ts'
import type { Peers } from '../../src/peers/peers.ts'
import { type Person, projectOf } from './compute-api.ts'
import { peerOver } from './peer-over.ts'

export interface StandIns {
  readonly peers: Pick<Peers, 'glance' | 'neutron' | 'cinder'>
  close(): void
}

export function standIns(): StandIns {
  const folder = mkdtempSync(join(tmpdir(), 'stand-ins-'))
  const clock = { now: () => Date.now() }
  const ids = { uuid: () => crypto.randomUUID() as string }
  const report = (error: unknown) => {
    throw error
  }
  const parts = { authenticate: callerOf, clock, ids, report }
  const net = network({ shelf: openShelf(':memory:'), ...parts })
  const images = imageService({ shelf: openShelf(':memory:'), folder, ...parts })
  const disks = volumeService({
    shelf: openShelf(':memory:'),
    ...parts,
    images: imagesOf((route, asked) => ask(images.application, route, asked)),
    compute: {
      tell: async () => undefined,
      swap: () => Promise.reject(new Error('no cell in this test')),
      attachmentOf: async () => undefined,
    },
  })
  disks.seed()
  return {
    peers: {
      neutron: neutron(peerOver(net.application), { clock, extensionSeconds: 600 }),
      glance: glance(peerOver(images.application, { endpoint: 'http://images.example:9292/v2' }), { servers: [] }),
      cinder: cinder(peerOver(disks.application, { base: '/v3', type: 'volume' })),
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const everything = ['admin', 'member', 'reader']
const roles: Readonly<Record<string, readonly string[]>> = {
  admin: everything,
  system: everything,
  domain: everything,
  reader: ['reader'],
  service: ['service'],
  nobody: [],
}

/** `token-of-member`, as the test's compute API has it; anything else is a service. */
function callerOf(token: string): Caller {
  const name = token.startsWith('token-of-') ? token.slice(9) : 'admin'
  const projectId = name === 'system' || name === 'domain' ? null : projectOf(name as Person)
  return {
    token,
    userId: name.padEnd(32, '0'),
    userName: name,
    userDomainId: 'default',
    projectId,
    projectName: projectId && name,
    projectDomainId: 'default',
    domainId: name === 'domain' ? 'default' : null,
    systemScope: name === 'system' ? 'all' : null,
    roles: roles[name] ?? ['member', 'reader'],
    isAdmin: roles[name] === everything,
  }
}
