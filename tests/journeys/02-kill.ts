/** kill -9 of every process while servers are being created: what was accepted is there afterwards, and nothing stays half made. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Client, connect } from './client.ts'
import { rows, soundDatabases } from './databases.ts'
import { journey, type Trip } from './travel.ts'

interface Luggage extends Trip {
  client: Client
  image: string
  network: string
  /** Answered with 202. */
  readonly accepted: Set<string>
}

// biome-ignore lint/suspicious/noExplicitAny: servers as the API shows them
type Server = any

const rounds = 2
const victims = ['compute-api', 'cell', 'services', 'metadata-api', 'supervisor']
/** Creating goes on for so long between two kills; uneven, so that kills meet every stage. */
const pauses = [900, 350, 1300, 600, 1100, 200, 750, 1500, 450, 1000]
const creators = 3
/** Longer than the cell lets something rest before it looks after it. */
const settleSeconds = 180

async function kill({ cloud, tell }: Trip, name: string): Promise<void> {
  const { supervisor, processes } = await cloud.processes()
  const pid = name === 'supervisor' ? supervisor : processes.find((one) => one.name === name)?.pid
  if (!pid) return tell(`${name} is not there at the moment`)
  process.kill(pid, 'SIGKILL')
  tell(`kill -9 ${pid}: ${name}`)
  if (name === 'supervisor') await cloud.up()
}

async function allReady({ cloud }: Trip, seconds = 60): Promise<void> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const { processes } = await cloud.processes()
    if (processes.length > 0 && processes.every(({ state }) => state === 'ready')) return
    if (performance.now() > end) throw new Error(`not ready: ${JSON.stringify(processes)}`)
    await delay(200)
  }
}

/** Creates one after the other until it is told to stop. */
async function create({ client, image, network, accepted }: Luggage, on: () => boolean, prefix: string): Promise<void> {
  for (let number = 0; on(); number++) {
    const server = { name: `${prefix}-${number}`, imageRef: image, flavorRef: '42', networks: [{ uuid: network }] }
    const answer = await client.attempt('POST', 'compute', '/servers', { server })
    if (answer?.status === 202) accepted.add(answer.body.server.id)
    else await delay(100)
  }
}

const allServers = async ({ client }: Luggage): Promise<Server[]> => {
  const answer = await client.insist('GET', 'compute', '/servers/detail?limit=1000')
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body.servers
}

/** What nobody can tell how it will end. */
const isHalfMade = (server: Server): boolean =>
  server.status === 'BUILD' || server.status === 'UNKNOWN' || server['OS-EXT-STS:task_state'] !== null

async function settled(luggage: Luggage): Promise<Server[]> {
  const end = performance.now() + settleSeconds * 1000
  for (;;) {
    const servers = await allServers(luggage)
    const open = servers.filter(isHalfMade)
    if (open.length === 0) return servers
    if (performance.now() > end)
      throw new Error(
        `${open.length} stay half made: ${open.map((one) => `${one.id} ${one.status} ${one['OS-EXT-STS:task_state']}`).join(', ')}`,
      )
    await delay(1000)
  }
}

async function computePorts({ client }: Luggage): Promise<{ id: string; device_id: string }[]> {
  const { body } = await client.insist('GET', 'network', '/v2.0/ports')
  return body.ports.filter((port: { device_owner: string }) => port.device_owner.startsWith('compute:'))
}

export const travels = journey<Luggage>({
  title: 'kill -9 of every process during a loop of creates',
  pack: (trip) => ({ ...trip, client: undefined as never, image: '', network: '', accepted: new Set() }),
  steps: [
    [
      'log in and make room',
      async (luggage) => {
        const client = await connect(await luggage.cloud.variables())
        luggage.client = client
        luggage.image = (await client.insist('GET', 'image', '/v2/images?name=cirros')).body.images[0].id
        luggage.network = (await client.insist('GET', 'network', '/v2.0/networks?name=shared')).body.networks[0].id
        const quota_set = { instances: -1, cores: -1, ram: -1 }
        const { status } = await client.insist('PUT', 'compute', `/os-quota-sets/${client.projectId}`, { quota_set })
        assert.equal(status, 200)
        const quota = { port: -1 }
        assert.equal((await client.insist('PUT', 'network', `/v2.0/quotas/${client.projectId}`, { quota })).status, 200)
      },
    ],
    [
      `${rounds * victims.length} kills while ${creators} people create servers`,
      async (luggage) => {
        let on = true
        const work = Array.from({ length: creators }, (_, index) => create(luggage, () => on, `person-${index}`))
        for (let time = 0; time < rounds * victims.length; time++) {
          await delay(pauses[time % pauses.length]!)
          await kill(luggage, victims[time % victims.length]!)
        }
        await allReady(luggage)
        on = false
        await Promise.all(work)
        luggage.tell(`${luggage.accepted.size} servers were accepted`)
        assert.ok(luggage.accepted.size >= 10, 'too few to tell')
      },
    ],
    [
      'what was accepted is there, and nothing is half made',
      async (luggage) => {
        const servers = await settled(luggage)
        const count = (status: string) => servers.filter((server) => server.status === status).length
        luggage.tell(`${servers.length} servers: ${count('ACTIVE')} ACTIVE, ${count('ERROR')} ERROR`)
        const known = new Map(servers.map((server) => [server.id, server]))
        assert.deepEqual(
          [...luggage.accepted].filter((id) => !known.has(id)),
          [],
          'accepted and lost',
        )
        assert.deepEqual(
          servers.filter(({ status }) => status !== 'ACTIVE' && status !== 'ERROR').map(({ id, status }) => `${id} ${status}`),
          [],
        )
        const silent = servers.filter(({ status, fault }) => status === 'ERROR' && !fault?.message)
        assert.deepEqual(
          silent.map(({ id }) => id),
          [],
          'in ERROR without a fault',
        )
        const bare = servers.filter(({ status, addresses }) => status === 'ACTIVE' && !addresses.shared?.length)
        assert.deepEqual(
          bare.map(({ id }) => id),
          [],
          'ACTIVE without an address',
        )
      },
    ],
    [
      'no address is given out twice, and no port belongs to nobody',
      async (luggage) => {
        const servers = await allServers(luggage)
        const addresses = servers.flatMap((server) => (server.addresses.shared ?? []).map(({ addr }: { addr: string }) => addr))
        assert.equal(new Set(addresses).size, addresses.length)
        const known = new Set(servers.map(({ id }) => id))
        const end = performance.now() + settleSeconds * 1000
        for (;;) {
          const orphans = (await computePorts(luggage)).filter(({ device_id }) => !known.has(device_id))
          if (orphans.length === 0) return
          if (performance.now() > end) assert.fail(`${orphans.length} ports of servers that are not there: ${JSON.stringify(orphans[0])}`)
          await delay(1000)
        }
      },
    ],
    [
      'all can be deleted, with a kill in between',
      async (luggage) => {
        const servers = await allServers(luggage)
        for (const [index, { id }] of servers.entries()) {
          if (index === Math.floor(servers.length / 2)) await kill(luggage, 'cell')
          const { status } = await luggage.client.insist('DELETE', 'compute', `/servers/${id}`)
          // 404: an answer was lost, and it is asked for again
          const gone = status === 404 && (await luggage.client.insist('GET', 'compute', `/servers/${id}`)).status === 404
          assert.ok(status === 204 || gone, `DELETE ${id}: ${status}`)
        }
        const end = performance.now() + settleSeconds * 1000
        for (;;) {
          const left = await allServers(luggage)
          if (left.length === 0 && (await computePorts(luggage)).length === 0) return
          if (performance.now() > end)
            throw new Error(`${left.length} servers are still there: ${left.map((one) => `${one.id} ${one.status}`)}`)
          await delay(1000)
        }
      },
    ],
    [
      'every database is sound, and nothing waits in them',
      async (luggage) => {
        await luggage.cloud.down()
        soundDatabases(luggage)
        const api = join(luggage.cloud.state, 'databases', 'nova_api.sqlite')
        assert.deepEqual(rows(api, 'SELECT instance_uuid FROM build_requests'), [])
        assert.deepEqual(rows(api, 'SELECT instance_uuid FROM instance_mappings WHERE cell_id IS NULL'), [])
        const cell = join(luggage.cloud.state, 'databases', 'nova.sqlite')
        assert.deepEqual(rows(cell, 'SELECT uuid FROM instances WHERE deleted = 0'), [])
      },
    ],
  ],
})
