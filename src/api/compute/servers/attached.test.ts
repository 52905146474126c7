/** What is attached to servers: what others refuse about it, and what is asked of whom. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectOf } from '../../../../tests/support/compute-api.ts'
import { network, port, volume } from '../../../../tests/support/fake-peers.ts'
import { type Farm, farm, imageId } from '../../../../tests/support/servers.ts'
import { type StandIns, standIns } from '../../../../tests/support/stand-ins.ts'
import { RemoteError } from '../../../oslo/messaging/failure.ts'
import type { NeutronClient } from '../../../peers/neutron.ts'

const netId = '00000000-0000-4000-8000-0000000000a1'
const strange = '00000000-0000-4000-8000-0000000000a2'
const volumeId = '00000000-0000-4000-8000-0000000000a3'
const textually = '00000000-0000-4000-8000-0000000000a4'

const member = { as: 'member' } as const

let farmed: Farm
beforeAll(async () => {
  farmed = await farm({
    networks: new Map([network(netId, { tenant_id: projectOf('member') })]),
    ports: new Map([port(strange, netId, projectOf('other'))]),
  })
  await farmed.api.call('2.1', 'POST /flavors', { flavor: { name: 'small', id: 'small', ram: 512, vcpus: 1, disk: 1 } })
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})

const attachInterface = (uuid: string, interfaceAttachment: object) =>
  farmed.api.call('2.90', `POST /servers/${uuid}/os-interface`, { interfaceAttachment }, member)

test('a network that is not for users is refused in the words of the compute', async () => {
  const message = `It is not allowed to create an interface on external network ${netId}`
  farmed.answers.set('attach_interface', () => {
    throw new RemoteError({ className: 'ExternalNetworkAttachForbidden', module: 'nova.exception', message })
  })
  const answer = await attachInterface(await farmed.server(), { net_id: netId })
  farmed.answers.delete('attach_interface')
  expect(answer).toMatchObject({ status: 403, body: { forbidden: { message } } })
})

test('a port of another project is not there for who may not see it, and nothing is asked of the compute', async () => {
  await farmed.heard(0)
  const uuid = await farmed.server()
  const answer = await attachInterface(uuid, { port_id: strange })
  expect(answer).toMatchObject({ status: 404, body: { itemNotFound: { message: `Port id ${strange} could not be found.` } } })
  expect(await farmed.heard(0)).toEqual([])
})

test('a server that no cell holds yet has nothing attached', async () => {
  const { body } = await farmed.api.call(
    '2.90',
    'POST /servers',
    { server: { name: 's', flavorRef: 'small', imageRef: imageId, networks: 'none' } },
    member,
  )
  const at = `/servers/${body.server.id}`
  expect((await farmed.api.call('2.90', `GET ${at}/os-interface`, undefined, member)).body).toEqual({ interfaceAttachments: [] })
  expect((await farmed.api.call('2.90', `GET ${at}/os-volume_attachments`, undefined, member)).body).toEqual({ volumeAttachments: [] })
  expect((await farmed.api.call('2.90', `GET ${at}/os-volume_attachments/${volumeId}`, undefined, member)).status).toBe(404)
  const change = { volumeAttachment: { volumeId, delete_on_termination: true } }
  expect((await farmed.api.call('2.90', `PUT ${at}/os-volume_attachments/${volumeId}`, change, member)).status).toBe(404)
})

test('of two attachments of a volume to a server that moves, the compute is told the last', async () => {
  const device = { sourceType: 'volume', destinationType: 'volume', volumeId, deviceName: '/dev/sdb' } as const
  const uuid = await farmed.server({ devices: [device] })
  const attachments = ['first', 'last'].map((attachment_id) => ({ server_id: uuid, attachment_id }))
  farmed.fakes.volumes.set(...volume(volumeId, projectOf('member'), { status: 'in-use', attachments }))
  await farmed.heard(0)
  expect((await farmed.api.call('2.90', `DELETE /servers/${uuid}/os-volume_attachments/${volumeId}`, undefined, member)).status).toBe(202)
  expect(await farmed.heard()).toMatchObject([{ method: 'detach_volume', args: { volume_id: volumeId, attachment_id: 'last' } }])
})

test('a text that is to say whether a volume goes with its server is handed on as it is, and says yes where it is kept', async () => {
  farmed.fakes.volumes.set(...volume(textually, projectOf('member')))
  const attach = (uuid: string) =>
    farmed.api.call(
      '2.100',
      `POST /servers/${uuid}/os-volume_attachments`,
      { volumeAttachment: { volumeId: textually, delete_on_termination: 'false' } },
      member,
    )
  await farmed.heard(0)
  expect((await attach(await farmed.server())).body.volumeAttachment).toMatchObject({ delete_on_termination: 'false' })
  expect(await farmed.heard()).toMatchObject([{ to: 'conductor', method: 'attach_volume', args: { delete_on_termination: 'false' } }])
  const shelved = await farmed.server({ vmState: 'shelved_offloaded', host: null, node: null })
  expect((await attach(shelved)).status).toBe(200)
  const shown = await farmed.api.call('2.100', `GET /servers/${shelved}/os-volume_attachments/${textually}`, undefined, member)
  expect(shown.body.volumeAttachment.delete_on_termination).toBe(true)
})

/** A network with a router to the outside, and an address out there. */
async function floating(neutron: NeutronClient) {
  const { id: outside } = await neutron.create('networks', { name: 'public', 'router:external': true })
  await neutron.create('subnets', { network_id: outside, cidr: '192.0.2.0/28', ip_version: 4 })
  const { id: inside } = await neutron.create('networks', { name: 'private', tenant_id: projectOf('member') })
  const subnet = await neutron.create('subnets', { network_id: inside, cidr: '10.0.0.0/24', ip_version: 4 })
  const router = (external_gateway_info: object) =>
    neutron.session.request({ method: 'POST', path: '/v2.0/routers', json: { router: { external_gateway_info } } })
  const made = (await router({ network_id: outside })).json<{ router: { id: string } }>().router.id
  await neutron.session.request({ method: 'PUT', path: `/v2.0/routers/${made}/add_router_interface`, json: { subnet_id: subnet.id } })
  const address = await neutron.create('floatingips', { floating_network_id: outside, tenant_id: projectOf('member') })
  return { inside, address: String(address.floating_ip_address) }
}

test('a floating address that goes to another server is no longer shown by the first', async () => {
  const services: StandIns = standIns()
  const other = await farm({}, { peers: services.peers })
  const neutron = services.peers.neutron.own
  const { inside, address } = await floating(neutron)
  const uuids = [await other.server(), await other.server()]
  for (const [i, uuid] of uuids.entries()) {
    const ip = `10.0.0.${i + 5}`
    await neutron.create('ports', {
      network_id: inside,
      fixed_ips: [{ ip_address: ip }],
      device_id: uuid,
      device_owner: 'compute:nova',
      tenant_id: projectOf('member'),
    })
    const cache = (await other.cell.networkInfo.find(uuid))!.networkInfo!
    await other.cell.networkInfo.set(uuid, cache.replace('10.0.0.5', ip))
  }
  const shown = () =>
    Promise.all(
      uuids.map(async (uuid) => {
        const { body } = await other.api.call('2.43', `GET /servers/${uuid}/ips`, undefined, member)
        return body.addresses.net.map(({ addr }: { addr: string }) => addr)
      }),
    )
  const add = async (uuid: string) =>
    (await other.api.call('2.43', `POST /servers/${uuid}/action`, { addFloatingIp: { address } }, member)).status
  expect(await add(uuids[0]!)).toBe(202)
  expect(await shown()).toEqual([['10.0.0.5', address], ['10.0.0.6']])
  expect(await add(uuids[1]!)).toBe(202)
  expect(await shown()).toEqual([['10.0.0.5'], ['10.0.0.6', address]])
  expect(await add(uuids[1]!)).toBe(202)
  expect(await shown()).toEqual([['10.0.0.5'], ['10.0.0.6', address]])
  await other.close()
  services.close()
})
