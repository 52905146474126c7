import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Called } from '../../../../tests/support/compute-api.ts'
import { type Farm, farm } from '../../../../tests/support/servers.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'
import type { Share } from '../../../peers/manila.ts'

const shareId = '00000000-0000-4000-8000-0000000000a1'
const nobody = '99999999-9999-4999-8999-999999999999'
const good: Share = { id: shareId, status: 'available', share_proto: 'NFS', exportLocation: '10.0.0.9:/share' }

let farmed: Farm
let share: Share | undefined | Error = good
let nodeId: string

beforeAll(async () => {
  const manila = {
    share: async () => {
      if (share instanceof Error) throw share
      return share
    },
  }
  farmed = await farm()
  Object.assign(farmed.api.backends.peers, { manila })
  const [node] = await farmed.cell.computeNodes.ofHost('host1')
  nodeId = node!.uuid!
})
afterEach(async () => {
  share = good
  farmed.fakes.traits.set(nodeId, ['COMPUTE_STORAGE_VIRTIO_FS', 'COMPUTE_MEM_BACKING_FILE'])
  await farmed.heard(0)
})
afterAll(async () => {
  await farmed.close()
})

const call = (version: string, route: string, body?: unknown, as: 'member' | 'admin' | 'other' | 'reader' = 'member') =>
  farmed.api.call(version, route, body, { as })
const message = ({ body }: Called): string => (Object.values(body)[0] as { message: string }).message
const attach = (uuid: string, more: object = {}, as: 'member' | 'admin' = 'member') =>
  call('2.97', `POST /servers/${uuid}/shares`, { share: { share_id: shareId, ...more } }, as)

test('they came with 2.97', async () => {
  const uuid = await farmed.server()
  expect((await call('2.96', `GET /servers/${uuid}/shares`)).status).toBe(404)
  expect((await call('2.97', `GET /servers/${uuid}/shares`)).body).toEqual({ shares: [] })
  expect((await call('2.97', `GET /servers/${uuid}/shares`, undefined, 'other')).status).toBe(403)
  const gone = await call('2.97', `GET /servers/${nobody}/shares`)
  expect([gone.status, message(gone)]).toEqual([404, `Instance ${nobody} has no mapping to a cell.`])
})

test('one is noted, the compute is told, and it goes again', async () => {
  farmed.fakes.traits.set(nodeId, ['COMPUTE_STORAGE_VIRTIO_FS', 'COMPUTE_MEM_BACKING_FILE'])
  const uuid = await farmed.server({ vmState: 'stopped' })
  const made = await attach(uuid, { tag: 'data' })
  expect([made.status, made.body]).toEqual([201, { share: { share_id: shareId, status: 'attaching', tag: 'data' } }])
  const [told] = await farmed.heard()
  expect(told).toMatchObject({ to: 'compute.host1', method: 'allow_share', version: '6.4' })
  expect(told!.args.share_mapping['nova_object.data']).toMatchObject({
    share_id: shareId,
    instance_uuid: uuid,
    export_location: '10.0.0.9:/share',
    share_proto: 'NFS',
  })
  expect((await call('2.103', `GET /servers/${uuid}/shares`)).body.shares).toEqual([
    { share_id: shareId, status: 'attaching', tag: 'data' },
  ])
  expect((await call('2.97', `GET /servers/${uuid}/shares/${shareId}`, undefined, 'admin')).body.share).toMatchObject({
    export_location: '10.0.0.9:/share',
    uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect((await call('2.97', `GET /servers/${uuid}/shares/${shareId}`)).body.share).not.toHaveProperty('uuid')

  const again = await attach(uuid)
  expect([again.status, message(again)]).toEqual([409, `Share '${shareId}' or tag '${shareId}' already associated to this server.`])
  share = { ...good, id: nobody }
  const sameTag = await call('2.97', `POST /servers/${uuid}/shares`, { share: { share_id: nobody, tag: 'data' } })
  expect([sameTag.status, message(sameTag)]).toEqual([409, `Share '${nobody}' or tag 'data' already associated to this server.`])

  const suspended = await call('2.97', `POST /servers/${uuid}/action`, { shelve: null })
  expect([suspended.status, message(suspended)]).toEqual([409, 'Feature not supported with instances that have shares.'])

  expect((await call('2.97', `DELETE /servers/${uuid}/shares/${shareId}`)).status).toBe(200)
  const [untold] = await farmed.heard()
  expect(untold).toMatchObject({ method: 'deny_share' })
  expect(untold!.args.share_mapping['nova_object.data'].status).toBe('detaching')
  const { instanceActions } = (await call('2.97', `GET /servers/${uuid}/os-instance-actions`)).body
  expect(instanceActions.map(({ action }: { action: string }) => action)).toEqual(['detach_share', 'attach_share', 'create'])
})

const states: [vmState: string, attached: number, detached: number][] = [
  ['active', 409, 409],
  ['stopped', 201, 404],
  ['error', 409, 404],
  ['paused', 409, 409],
]
for (const [vmState, attached, detached] of states)
  test(`a server that is ${vmState}: ${attached}, ${detached}`, async () => {
    const uuid = await farmed.server({ vmState })
    const gone = await call('2.97', `DELETE /servers/${uuid}/shares/${shareId}`)
    expect(gone.status).toBe(detached)
    const answer = await attach(uuid)
    expect(answer.status).toBe(attached)
    if (attached === 409) expect(message(answer)).toBe(`Cannot 'create share' instance ${uuid} while it is in vm_state ${vmState}`)
  })

const refusals: [what: string, share: Share | undefined | Error, status: number, text: string][] = [
  ['not there', undefined, 404, `Share ${shareId} could not be found.`],
  ['not ready', { ...good, status: 'creating' }, 409, `Share ${shareId} is in 'creating' instead of 'available' status.`],
  ['nowhere', { ...good, exportLocation: undefined }, 409, `Share ${shareId} export location is missing.`],
  ['of another protocol', { ...good, share_proto: 'CIFS' }, 409, 'Share protocol CIFS is not supported.'],
  ['forbidden', new PeerError('Manila says no', { kind: 'status', service: 'share', status: 403 }), 403, 'Manila says no'],
]
for (const [what, given, status, text] of refusals)
  test(`a share that is ${what} → ${status}`, async () => {
    const uuid = await farmed.server({ vmState: 'stopped' })
    share = given
    const answer = await attach(uuid)
    expect([answer.status, message(answer)]).toEqual([status, text])
  })

const hosts: [traits: string[], specs: object, status: number][] = [
  [['COMPUTE_STORAGE_VIRTIO_FS', 'COMPUTE_MEM_BACKING_FILE'], {}, 201],
  [['COMPUTE_STORAGE_VIRTIO_FS'], {}, 409],
  [['COMPUTE_STORAGE_VIRTIO_FS'], { 'hw:mem_page_size': 'large' }, 201],
  [['COMPUTE_MEM_BACKING_FILE'], { 'hw:mem_page_size': 'large' }, 409],
]
for (const [traits, extra_specs, status] of hosts)
  test(`a host with ${traits.join(' and ')}, a flavor with ${JSON.stringify(extra_specs)} → ${status}`, async () => {
    farmed.fakes.traits.set(nodeId, traits)
    const uuid = await farmed.server({ vmState: 'stopped', flavors: { cur: { extra_specs } } })
    expect((await attach(uuid)).status).toBe(status)
  })
