/** The network, image and volume services of the embedded cloud in this process, as peers of a compute API: what a test sees is what clients see. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Application } from '../../src/app/contract.ts'
import { ask } from '../../src/cloud/ask.ts'
import { image as imageService } from '../../src/cloud/image/index.ts'
import { network } from '../../src/cloud/network/index.ts'
import type { Caller } from '../../src/cloud/service.ts'
import { openShelf } from '../../src/cloud/shelf.ts'
import { glance as imagesOf, volume as volumeService } from '../../src/cloud/volume/index.ts'
import { PeerError } from '../../src/oslo/keystoneauth/errors.ts'
import type { Answer, Ask, Session } from '../../src/oslo/keystoneauth/session.ts'
import { cinder } from '../../src/peers/cinder.ts'
import { glance } from '../../src/peers/glance.ts'
import { neutron } from '../../src/peers/neutron.ts'
import type { Peers } from '../../src/peers/peers.ts'
import type { PeerService } from '../../src/peers/service.ts'
import { type Person, projectOf } from './compute-api.ts'

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
      glance: glance(peerOver(images.application), { servers: [] }),
      cinder: cinder(peerOver(disks.application, '/v3')),
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

function peerOver(application: Application, base = ''): PeerService {
  const session = (token: string, fixed: Ask = {}): Session => ({
    async request(given) {
      const { method = 'GET', path = '', url, query = {}, json, body, headers, microversion, allow = [] } = { ...fixed, ...given }
      const found = new URLSearchParams()
      for (const [key, value] of Object.entries(query))
        for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) found.append(key, String(each))
      const target = url === undefined ? `${base}${path}${found.size > 0 ? `?${found}` : ''}` : url.replace(/^https?:\/\/[^/]*/, '')
      const answer = await ask(application, `${method} ${target}`, {
        token,
        body: json ?? body,
        headers: {
          ...(headers as Record<string, string>),
          'x-service-token': 'nova',
          ...(microversion && { 'openstack-api-version': `volume ${microversion}` }),
        },
      } as never)
      if (answer.status >= 400 && allow !== 'all' && !allow.includes(answer.status))
        throw new PeerError(`${method} ${target}: ${answer.status}`, {
          kind: 'status',
          service: 'test',
          status: answer.status,
          body: answer.bytes,
        })
      return {
        url: target,
        status: answer.status,
        headers: {},
        body: answer.bytes,
        text: () => answer.bytes.toString(),
        json: () => answer.body,
      } as Answer
    },
    stream: () => Promise.reject(new Error('not in this test')),
    endpoint: async () => 'http://images.example:9292/v2',
    with: (more) => session(token, { ...fixed, ...more }),
    close: async () => {},
  })
  return { as: (context) => session(context.token ?? ''), own: session('service'), close: async () => {} }
}
