/** What is refused for other reasons than the server's state: what the caller may not have, and what a compute, a conductor or a limit says. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { projectOf } from '../../../../../tests/support/compute-api.ts'
import { image, volume } from '../../../../../tests/support/fake-peers.ts'
import { type Farm, farm } from '../../../../../tests/support/servers.ts'
import { RemoteError } from '../../../../oslo/messaging/failure.ts'

let farmed: Farm
beforeAll(async () => {
  farmed = await farm()
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})

/** One of Nova's exceptions, as another service sends it back. */
const fails =
  (className: string, message: string, kwargs: Readonly<Record<string, unknown>> = {}) =>
  () => {
    throw new RemoteError({ className, module: 'nova.exception', message, kwargs })
  }

type Person = 'admin' | 'member'
const act = (uuid: string, body: object, as: Person = 'admin', version = '2.90') =>
  farmed.api.call(version, `POST /servers/${uuid}/action`, body, { as })

test('a server gets no flavor that its caller may not have', async () => {
  const flavor = { name: 'own', id: 'own', ram: 1024, vcpus: 2, disk: 2, 'os-flavor-access:is_public': false }
  await farmed.api.call('2.1', 'POST /flavors', { flavor })
  const resize = async (as: Person) => {
    const answer = await act(await farmed.server(), { resize: { flavorRef: 'own' } }, as)
    await farmed.heard(answer.status === 202 ? 1 : 0)
    return [answer.status, answer.body?.badRequest?.message]
  }
  expect(await resize('member')).toEqual([400, 'Flavor own could not be found.'])
  expect(await resize('admin')).toEqual([202, undefined])
  await farmed.api.call('2.1', 'POST /flavors/own/action', { addTenantAccess: { tenant: projectOf('member') } })
  expect(await resize('member')).toEqual([202, undefined])
})

type Refusal = readonly [className: string, status: number, message: string]

test.each<Refusal>([
  ['NoValidHost', 400, 'as it said'],
  ['MaxRetriesExceeded', 400, 'as it said'],
  ['ComputeHostNotFound', 400, 'as it said'],
  ['InstanceInvalidState', 409, "Cannot 'os-migrateLive' instance %s while it is in power_state shutdown"],
])('a live migration that is waited for, refused by the conductor: %s', async (className, status, message) => {
  const uuid = await farmed.server()
  farmed.answers.set('migrate_server', fails(className, 'as it said', { attr: 'power_state', state: 'shutdown' }))
  const body = { 'os-migrateLive': { host: null, block_migration: 'auto' } }
  const { [status === 400 ? 'badRequest' : 'conflictingRequest']: refusal } = (await act(uuid, body, 'admin', '2.33')).body
  await farmed.heard()
  expect(refusal).toEqual({ code: status, message: message.replace('%s', uuid) })
})

test.each(['InstanceAgentNotEnabled', 'QemuGuestAgentNotEnabled', 'SetAdminPasswdNotSupported', 'InstancePasswordSetFailed'])(
  'a password that the guest does not take: %s',
  async (className) => {
    farmed.answers.set('set_admin_password', fails(className, 'as it said'))
    const answer = await act(await farmed.server(), { changePassword: { adminPass: 'p' } })
    await farmed.heard()
    expect(answer.body).toEqual({ conflictingRequest: { code: 409, message: 'as it said' } })
  },
)

test.each([
  ['hw_architecture', "Architecture name 'vax' is not recognised"],
  ['architecture', "Invalid image metadata. Error: Architecture name 'vax' is not valid"],
])('a rebuild from an image with %s vax', async (name, message) => {
  const [id, found] = image('00000000-0000-4000-8000-0000000000ab', { [name]: 'vax' })
  farmed.fakes.images.set(id, found)
  const answer = await act(await farmed.server(), { rebuild: { imageRef: id } })
  expect(answer.body).toEqual({ badRequest: { code: 400, message } })
})

test('an offloaded server does not come back over the limit where Placement tells what is used', async () => {
  const quota = { ...farmed.api.backends.settings.quota, cores: 2, ram: 600, countUsageFromPlacement: true }
  const usages = new Map([[projectOf('admin'), { VCPU: 2, MEMORY_MB: 512 }]])
  const small = await farm({ usages }, { settings: { quota } })
  const uuid = await small.server({ vmState: 'shelved_offloaded', host: null, node: null })
  const answer = await small.api.call('2.90', `POST /servers/${uuid}/action`, { unshelve: null }, { as: 'member' })
  expect(answer.body).toEqual({ forbidden: { code: 403, message: "Quota exceeded for resources: ['cores', 'ram']" } })
  // Nova counts what the caller's own project has, against the limits of the server's
  const others = await small.server({ vmState: 'shelved_offloaded', host: null, node: null, projectId: projectOf('other') })
  const unshelve = async (as: 'other' | 'admin') =>
    (await small.api.call('2.90', `POST /servers/${others}/action`, { unshelve: null }, { as })).status
  expect(await unshelve('admin')).toBe(403)
  expect(await unshelve('other')).toBe(202)
  await small.close()
})

test('a snapshot that Cinder refuses is told of by the event of the action', async () => {
  farmed.fakes.volumes.set('v1', volume('v1', projectOf('member'), { status: 'in-use' })[1])
  const root = { sourceType: 'volume', destinationType: 'volume', bootIndex: 0, deviceName: '/dev/vda', volumeId: 'v1' } as const
  const uuid = await farmed.server({ imageRef: '', devices: [root], vmState: 'stopped' })
  farmed.fakes.fail('cinder snapshot it', 413)
  const answer = await act(uuid, { createImage: { name: 'i' } })
  farmed.fakes.heal()
  const message = 'Quota exceeded for resources: snapshots'
  expect(answer.body).toEqual({ forbidden: { code: 403, message } })
  const { requestId } = (await farmed.cell.actions.latest(uuid))!
  const action = await farmed.api.call('2.84', `GET /servers/${uuid}/os-instance-actions/${requestId}`)
  expect(action.body.instanceAction.events).toMatchObject([{ event: 'api_snapshot_instance', result: 'Error', details: message }])
})

test('the disks of a snapshot stand in its image as Python writes JSON, which clients are shown as text', async () => {
  farmed.fakes.volumes.set('v2', volume('v2', projectOf('member'), { status: 'in-use' })[1])
  const root = { sourceType: 'volume', destinationType: 'volume', bootIndex: 0, deviceName: '/dev/vda', volumeId: 'v2' } as const
  const extra = { sourceType: 'blank', destinationType: 'local', bootIndex: -1, deviceName: '/dev/vdb', tag: 'größe' } as const
  const uuid = await farmed.server({ imageRef: '', devices: [root, extra], vmState: 'stopped' })
  const { body } = await act(uuid, { createImage: { name: 'i' } })
  const text = farmed.fakes.images.get(body.image_id)!.block_device_mapping
  expect(text).toMatch(/^\[\{"source_type": "blank", "destination_type": "local", .*"tag": "gr\\u00f6\\u00dfe", .*\}, \{.*\}\]$/)
})

test.each([
  ['shelve', 'active'],
  ['shelveOffload', 'shelved'],
])('%s of a server with accelerators', async (name, vmState) => {
  const uuid = await farmed.server({ vmState, flavors: { cur: { extra_specs: { 'accel:device_profile': 'fpga' } } } })
  const message = 'Feature not supported with instances that have accelerators.'
  expect((await act(uuid, { [name]: null })).body).toEqual({ badRequest: { code: 400, message } })
})
