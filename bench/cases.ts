/** The requests whose cost bench/run.ts measures. */
import { createHmac } from 'node:crypto'
import type { Answer, Http } from './http.ts'
import type { Side } from './sides.ts'

/** One kind of request, to whoever is measured. */
export interface Case {
  readonly name: string
  readonly what: string
  readonly times: number
  /** Before the first round, so that what is measured has been compiled. */
  readonly warm: number
  readonly service: 'compute' | 'metadata'
  /** The same of the floor, when it has it. */
  readonly floor?: (i: number) => Promise<Answer>
  readonly ours: (side: Side, i: number) => Promise<Answer>
  /** Most times the floor. */
  readonly budget?: number
}

/** What is asked about. */
export interface Asked {
  readonly http: Http
  readonly rounds: number
  /** Of servers of the project. */
  readonly uuids: readonly string[]
  readonly projectId: string
  readonly token: string
  /** What the metadata service has its proxy sign with. */
  readonly secret: string
  /** Of an image that servers are made from. */
  readonly image: string
  /** Where the floor answers. */
  readonly floor: string
}

const version = { 'OpenStack-API-Version': 'compute 2.96' }
const document = '/openstack/latest/meta_data.json'

export function casesOf({ http, rounds, uuids, projectId, token, secret, image, floor }: Asked): Case[] {
  const servers = uuids.length
  const at = (i: number) => uuids[i % servers]!
  const compute = (side: Side, method: string, path: string, body?: unknown) =>
    http(method, `${side.compute.url}/v2.1${path}`, { 'X-Auth-Token': token, ...version }, body)
  const wanted = (i: number) => ({ server: { name: `made-${i}`, imageRef: image, flavorRef: '1', networks: 'none' } })
  const metadata = (side: Side, uuid: string) =>
    http('GET', `${side.metadata.url}${document}`, {
      'X-Instance-ID': uuid,
      'X-Tenant-ID': projectId,
      'X-Forwarded-For': '10.0.0.1',
      'X-Instance-ID-Signature': createHmac('sha256', secret).update(uuid).digest('hex'),
    })
  // each server for the first time: what is kept is kept for each side, and a part of the servers is for each round
  const turns = new Map<Side, number>()
  const next = (side: Side) => {
    const turn = turns.get(side) ?? 0
    turns.set(side, turn + 1)
    return at(turn)
  }
  const share = Math.floor(servers / (rounds + 1))
  const pages = Math.max(10, Math.round(20_000 / servers))
  const rowsOfOne = (i: number) => http('GET', `${floor}/show/${at(i)}`)
  const rowsOf = (count: number) => () => http('GET', `${floor}/detail/${projectId}/${count}`)
  return [
    {
      name: 'version',
      what: 'GET /v2.1/',
      times: 2000,
      warm: 3000,
      service: 'compute',
      ours: (side) => compute(side, 'GET', '/'),
    },
    {
      name: 'flavors',
      what: 'GET /flavors/detail',
      times: 1000,
      warm: 1500,
      service: 'compute',
      ours: (side) => compute(side, 'GET', '/flavors/detail'),
    },
    {
      name: 'show',
      what: 'GET /servers/{id}',
      times: 1500,
      warm: 2500,
      service: 'compute',
      floor: rowsOfOne,
      ours: (side, i) => compute(side, 'GET', `/servers/${at(i)}`),
    },
    {
      name: 'list',
      what: 'GET /servers?limit=100',
      times: 300,
      warm: 500,
      service: 'compute',
      ours: (side) => compute(side, 'GET', '/servers?limit=100'),
    },
    {
      name: 'hundred',
      what: 'GET /servers/detail?limit=100',
      times: 100,
      warm: 150,
      service: 'compute',
      floor: rowsOf(100),
      ours: (side) => compute(side, 'GET', '/servers/detail?limit=100'),
    },
    {
      name: 'detail',
      what: `GET /servers/detail?limit=${servers}`,
      times: pages,
      warm: pages,
      service: 'compute',
      floor: rowsOf(servers),
      ours: (side) => compute(side, 'GET', `/servers/detail?limit=${servers}`),
      budget: 2.5,
    },
    {
      name: 'lock',
      what: 'POST lock, unlock',
      times: 500,
      warm: 800,
      service: 'compute',
      ours: (side, i) => compute(side, 'POST', `/servers/${at(0)}/action`, { [i % 2 ? 'lock' : 'unlock']: null }),
    },
    {
      name: 'create',
      what: 'POST /servers',
      times: 40,
      warm: 60,
      service: 'compute',
      floor: (i) => http('POST', `${floor}/create/${at(i)}`, {}, wanted(i)),
      ours: (side, i) => compute(side, 'POST', '/servers', wanted(i)),
    },
    {
      name: 'metadata',
      what: 'meta_data.json, uncached',
      times: share,
      warm: share,
      service: 'metadata',
      floor: rowsOfOne,
      ours: (side) => metadata(side, next(side)),
    },
    {
      name: 'metadata',
      what: 'meta_data.json, cached',
      times: 3000,
      warm: 4000,
      service: 'metadata',
      floor: rowsOfOne,
      ours: (side) => metadata(side, at(0)),
    },
  ]
}

/** Those that have one of the names, or all. Throws for a name that none has. */
export function chosen(all: readonly Case[], names: readonly string[]): readonly Case[] {
  const unknown = names.find((word) => !all.some(({ name }) => name === word))
  if (unknown !== undefined)
    throw new Error(`nothing is called ${unknown}; there are ${[...new Set(all.map(({ name }) => name))].join(', ')}`)
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
}
