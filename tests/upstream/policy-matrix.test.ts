/** Who may ask for what, cell by cell: what Nova 33.0.2 told callers of nine kinds (facts/policy-matrix.json, by policy-matrix-live.ts), and what we tell. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RemoteError } from '../../src/oslo/messaging/failure.ts'
import type { Peers } from '../../src/peers/peers.ts'
import { Diagnostics, MemoryDiagnostics } from '../../src/stores/objects/diagnostics.ts'
import { projectOf } from '../support/compute-api.ts'
import { fakePeers } from '../support/fake-peers.ts'
import { type Farm, farm, vif } from '../support/servers.ts'
import { type StandIns, standIns } from '../support/stand-ins.ts'
import { type Ask, type Matrix, matrixOf, particulars, type Question, questions, type Row, type Things } from './policy-matrix.ts'

const novas = JSON.parse(readFileSync(new URL('./facts/policy-matrix.json', import.meta.url), 'utf8')) as Matrix

const diagnostics = Diagnostics.make({
  state: 'running',
  driver: 'libvirt',
  hypervisor: 'fake',
  hypervisor_os: 'linux',
  uptime: 1,
  config_drive: false,
  memory_details: MemoryDiagnostics.make({ maximum: 1, used: 1 }),
  cpu_details: [],
  nic_details: [],
  disk_details: [],
  num_cpus: 0,
  num_nics: 0,
  num_disks: 0,
})

let services: StandIns
let farmed: Farm
let things: Things
let ask: Ask

beforeAll(async () => {
  services = standIns()
  // Keystone tells nobody but an administrator which projects there are; to the others all are
  const projects = [projectOf('member'), projectOf('other')]
  const keystone: Peers['keystone'] = { project: async ({ isAdmin }, id) => (isAdmin && !projects.includes(id) ? 'absent' : 'present') }
  farmed = await farm({}, { peers: { ...fakePeers().peers, ...services.peers, keystone } })
  // As the fake driver of the reference
  farmed.answers.set('get_host_uptime', () => {
    throw new RemoteError({ className: 'NotImplementedError', module: 'builtins', message: '' })
  })
  farmed.answers.set('get_instance_diagnostics', () => Diagnostics.toWire(diagnostics))
  things = await prepared()
  ask = async (caller, { method, path, minor, body }) => {
    const answer = await farmed.api.ask(`2.${minor}`, `${method} ${path}`, body, { as: caller })
    const text = String(answer.body ?? '')
    return { status: answer.status, body: /^[[{]/.test(text) ? JSON.parse(text) : text }
  }
}, 60_000)
afterAll(async () => {
  await farmed.close()
  services.close()
})

async function prepared(): Promise<Things> {
  const { api } = farmed
  const { own } = services.peers.neutron
  const network = (await own.create('networks', { name: 'shared', shared: true })).id
  const subnet = (await own.create('subnets', { network_id: network, cidr: '10.0.0.0/24', ip_version: 4 })).id
  const images = services.peers.glance.as({ token: 'token-of-admin' } as never)
  const { id: image } = await images.create({ name: 'cirros', disk_format: 'raw', container_format: 'bare', visibility: 'public' })
  await images.upload(image, Buffer.from('bytes'))
  const made = async (route: string, body: object, as: 'admin' | 'member' = 'admin') => {
    const answer = await api.call('2.53', route, body, { as })
    if (answer.status >= 300) throw new Error(`${route}: ${JSON.stringify(answer.body)}`)
    return Object.values(answer.body as object)[0]
  }
  for (const [id, disk] of [
    ['flavor', 1],
    ['diskless', 0],
  ])
    await made('POST /flavors', { flavor: { name: id, id, ram: 64, vcpus: 1, disk } })
  await made('POST /flavors/flavor/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'shared' } })
  const project = projectOf('member')
  const port = await own.create('ports', { network_id: network, tenant_id: project, fixed_ips: [{ subnet_id: subnet }] })
  const vifs = [{ ...vif, id: port.id, network: { ...vif.network, id: network, label: 'shared' } }]
  const extra = { metadata: { k: 'v' }, tags: ['t'], userId: 'member'.padEnd(32, '0') }
  const server = await farmed.server({ ...extra, vifs: vifs as never })
  await own.update('ports', port.id, { device_id: server, device_owner: 'compute:nova' })
  const failed = await farmed.server({ ...extra, host: null, node: null, vmState: 'error', powerState: 0, launchedAt: null, vifs: [] })
  await farmed.cell.faults.add({ instanceUuid: failed, code: 500, message: 'No valid host was found.' })
  await farmed.cell.actions.startEvent(server, `req-${server}`, 'compute__do_build_and_run_instance', 'host1')
  const key = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString('base64')} k`
  await made('POST /os-keypairs', { keypair: { name: 'policies', public_key: key } }, 'member')
  const [service] = (await api.call('2.53', 'GET /os-services?binary=nova-compute')).body.services
  const [hypervisor] = (await api.call('2.53', 'GET /os-hypervisors')).body.hypervisors
  const aggregate = await made('POST /os-aggregates', { aggregate: { name: 'aggregate' } })
  const groups = await services.peers.neutron.as({ token: 'token-of-member' } as never).list('security-groups', { project_id: project })
  return {
    project,
    user: extra.userId,
    server,
    failed,
    port: port.id,
    request: `req-${server}`,
    group: (await made('POST /os-server-groups', { server_group: { name: 'policies', policies: ['affinity'] } }, 'member')).id,
    aggregate: String(aggregate.id),
    aggregateName: 'aggregate',
    flavor: 'flavor',
    diskless: 'diskless',
    key: 'policies',
    host: service.host,
    service: service.id,
    serviceNumber: String((await api.call('2.1', 'GET /os-services?binary=nova-compute')).body.services[0].id),
    hypervisor: hypervisor.id,
    hypervisorNumber: String((await api.call('2.1', 'GET /os-hypervisors')).body.hypervisors[0].id),
    hypervisorName: hypervisor.hypervisor_hostname,
    image,
    network,
    securityGroup: groups[0]!.id,
  }
}

const cellsOf = (row: Row): Record<string, string> =>
  Object.fromEntries(Object.entries(row).flatMap(([cell, callers]) => callers.split(' ').map((caller) => [caller, cell])))

/** Where Nova fails itself, any answer will do. */
const withoutCrashes = (nova: Record<string, string>, found: Record<string, string>): [object, object] => {
  const counts = Object.keys(nova).filter((caller) => nova[caller] !== '500')
  const only = (cells: Record<string, string>) => Object.fromEntries(counts.map((caller) => [caller, cells[caller]]))
  return [only(nova), only(found)]
}

/** Cells that differ. */
async function differences(asked: readonly Question[]): Promise<string[]> {
  const odd: string[] = []
  for (const [at, rows] of Object.entries(await matrixOf(asked, ask)))
    for (const [variant, row] of Object.entries(rows)) {
      const [nova, ours] = withoutCrashes(cellsOf(novas[at]![variant]!), cellsOf(row!))
      if (JSON.stringify(nova) !== JSON.stringify(ours)) odd.push(`${at} ${variant}: ${JSON.stringify(nova)} ${JSON.stringify(ours)}`)
    }
  return odd
}

describe('callers are told what Nova tells them', () => {
  test('by each operation', async () => expect(await differences(questions(things))).toEqual([]), 120_000)
  test('about what has a rule of its own', async () => expect(await differences(particulars(things))).toEqual([]), 60_000)
})
