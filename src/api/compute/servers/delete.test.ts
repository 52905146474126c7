/** Deleting servers, wherever they are on their way: what is told, what is cleaned up, what remains. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cellId, projectOf } from '../../../../tests/support/compute-api.ts'
import { port, volume } from '../../../../tests/support/fake-peers.ts'
import { type Farm, farm, imageId, networkId, portId, vif } from '../../../../tests/support/servers.ts'
import { BlockDeviceMapping, BlockDeviceMappingList } from '../../../stores/objects/block-device-mapping.ts'
import { Flavor } from '../../../stores/objects/flavor.ts'
import { Instance } from '../../../stores/objects/instance.ts'
import { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { TagList } from '../../../stores/objects/tag.ts'

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const [kept, doomed, ownPort] = [id(1), id(2), id(3)]
const mine = projectOf('member')

let farmed: Farm
beforeAll(async () => {
  farmed = await farm()
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})
beforeEach(() => {
  farmed.messages.length = 0
  farmed.fakes.calls.length = 0
})

const remove = (uuid: string, as: 'member' | 'admin' = 'member') => farmed.api.call('2.1', `DELETE /servers/${uuid}`, undefined, { as })

async function actionsOf(uuid: string): Promise<(string | null)[]> {
  return ((await farmed.cell.actions.list(uuid)) ?? []).map(({ action }) => action)
}
const isQueued = async (uuid: string) => Boolean((await farmed.api.backends.stores.api.serverMappings.find(uuid))!.queuedForDelete)

describe('with a compute', () => {
  test('the compute is told', async () => {
    const uuid = await farmed.server({ progress: 7 })
    expect((await remove(uuid)).status).toBe(204)
    expect(await farmed.heard()).toMatchObject([{ to: 'compute.host1', method: 'terminate_instance' }])
    expect(await farmed.row(uuid)).toMatchObject({ taskState: 'deleting', progress: 0, deleted: 0, vmState: 'active' })
    expect([await actionsOf(uuid), await isQueued(uuid)]).toEqual([['delete', 'create'], true])
  })

  test.each(['deleting', 'soft-deleting'])('one that is %s is left to its compute', async (taskState) => {
    const uuid = await farmed.server({ taskState })
    expect((await remove(uuid)).status).toBe(204)
    expect([farmed.messages, await actionsOf(uuid)]).toEqual([[], ['create']])
  })

  test('whatever is being done with it', async () => {
    const uuid = await farmed.server({ taskState: 'rebuilding' })
    expect((await remove(uuid)).status).toBe(204)
    expect((await farmed.heard())[0]).toMatchObject({ method: 'terminate_instance' })
  })

  test('one that was resized is confirmed first', async () => {
    const uuid = await farmed.server({ vmState: 'resized', flavors: { old: { id: 9 } } })
    const move = {
      status: 'finished',
      sourceCompute: 'host2',
      destCompute: 'host1',
      migrationType: 'resize',
      crossCellMove: false,
    } as const
    await farmed.cell.migrations.create({ ...move, hidden: false, uuid: crypto.randomUUID(), instanceUuid: uuid })
    expect((await remove(uuid)).status).toBe(204)
    expect((await farmed.heard(2)).map(({ to, method }) => `${to} ${method}`)).toEqual([
      'compute.host2 confirm_resize',
      'compute.host1 terminate_instance',
    ])
    expect(await actionsOf(uuid)).toEqual(['delete', 'confirmResize', 'create'])
  })

  test('the image of a shelved one goes', async () => {
    const uuid = await farmed.server({ vmState: 'shelved', systemMetadata: { shelved_image_id: imageId } })
    expect((await remove(uuid)).status).toBe(204)
    expect(farmed.fakes.calls).toContain('glance remove')
    await farmed.heard()
  })

  test('one that may not end stays', async () => {
    const uuid = await farmed.server({ disableTerminate: true })
    expect((await remove(uuid)).status).toBe(204)
    expect(await farmed.row(uuid)).toMatchObject({ taskState: null })
  })

  test('a lock holds, but not against admins', async () => {
    const uuid = await farmed.server({ locked: true })
    expect((await remove(uuid)).body).toEqual({ conflictingRequest: { code: 409, message: `Instance ${uuid} is locked` } })
    expect((await remove(uuid, 'admin')).status).toBe(204)
    await farmed.heard()
  })
})

describe('without a compute', () => {
  const volumes = () => [
    { sourceType: 'volume', destinationType: 'volume', volumeId: kept, attachmentId: 'a1', deleteOnTermination: false, bootIndex: 0 },
    { sourceType: 'volume', destinationType: 'volume', volumeId: doomed, attachmentId: 'a2', deleteOnTermination: true },
  ]
  const cases = {
    'its host is down': { host: 'host3', node: 'host3' },
    'its host is gone': { host: 'host9', node: 'host9' },
    'no host could take it': { host: null, node: null, vmState: 'error' },
    'it was offloaded': { host: null, node: null, vmState: 'shelved_offloaded', systemMetadata: { shelved_image_id: imageId } },
  }

  test.each(Object.entries(cases))('%s: everything is cleaned up here', async (_, how) => {
    const { fakes } = farmed
    fakes.volumes.set(...volume(kept, mine)).set(...volume(doomed, mine))
    fakes.attachments.set('a1', { volume: kept, server: 's' }).set('a2', { volume: doomed, server: 's' })
    const uuid = await farmed.server({ ...how, devices: volumes(), vifs: [vif, { ...vif, id: ownPort, preserve_on_delete: true }] })
    const profile = { 'binding:profile': { pci_slot: '0000:00:01.0', mine: 'x' }, 'binding:host_id': 'host3', device_id: uuid }
    fakes.ports.set(...port(portId, networkId, mine, { device_id: uuid }))
    fakes.ports.set(...port(ownPort, networkId, mine, profile))
    expect((await remove(uuid)).status).toBe(204)
    const row = await farmed.row(uuid)
    expect(row).toMatchObject({ vmState: 'deleted', taskState: null, terminatedAt: expect.anything(), deletedAt: expect.anything() })
    expect(row.deleted).toBe(row.id)
    expect([fakes.ports.has(portId), fakes.ports.get(ownPort)]).toMatchObject([
      false,
      { device_id: '', device_owner: '', 'binding:host_id': null, 'binding:profile': { mine: 'x' } },
    ])
    expect([[...fakes.attachments.keys()], fakes.volumes.has(kept), fakes.volumes.has(doomed)]).toEqual([[], true, false])
    expect(fakes.calls).toContain(`placement forget ${uuid}`)
    expect([await actionsOf(uuid), await isQueued(uuid), farmed.messages]).toEqual([['delete', 'create'], true, []])
    expect((await remove(uuid)).status).toBe(404)
  })

  test('volumes that cannot be let go do not keep it', async () => {
    const { fakes } = farmed
    fakes.volumes.set(...volume(kept, mine))
    fakes.fail('cinder detach', 500)
    const uuid = await farmed.server({ host: 'host3', devices: volumes() })
    expect((await remove(uuid)).status).toBe(204)
    fakes.heal()
    expect((await farmed.row(uuid)).deleted).toBeTruthy()
  })

  test('a volume from before there were attachments is detached by name', async () => {
    const { fakes } = farmed
    fakes.volumes.set(...volume(kept, mine))
    const connectionInfo = JSON.stringify({ connector: { host: 'host3' } })
    const devices = [{ sourceType: 'volume', destinationType: 'volume', volumeId: kept, connectionInfo, bootIndex: 0 }]
    const uuid = await farmed.server({ host: 'host3', devices })
    expect((await remove(uuid)).status).toBe(204)
    expect(fakes.calls.filter((call) => call.startsWith('cinder os-'))).toEqual(['cinder os-terminate_connection', 'cinder os-detach'])
  })

  test('when Placement fails it can be tried again', async () => {
    const uuid = await farmed.server({ host: 'host3' })
    farmed.fakes.fail(`placement forget ${uuid}`, 500, 'sorry')
    const { status, body } = await remove(uuid)
    expect([status, body.conflictingRequest.message]).toEqual([
      409,
      expect.stringMatching(`^Failed to delete allocations for consumer ${uuid}. Error: .*sorry`),
    ])
    farmed.fakes.heal()
    expect((await remove(uuid)).status).toBe(204)
  })
})

describe('while it is being built', () => {
  /** What POST /servers leaves; with a volume that is reserved. */
  async function requested(uuid: string, cell: number | null): Promise<void> {
    const { api } = farmed.api.backends.stores
    const device = BlockDeviceMapping.make({
      source_type: 'volume',
      destination_type: 'volume',
      volume_id: doomed,
      attachment_id: 'a3',
      delete_on_termination: true,
      boot_index: 0,
      no_device: false,
    })
    const instance = Instance.make({
      uuid,
      project_id: mine,
      user_id: 'member'.padEnd(32, '0'),
      vm_state: 'building',
      task_state: 'scheduling',
    })
    const flavor = Flavor.make({ id: 5, name: 'f', flavorid: 'f', memory_mb: 1, vcpus: 1, root_gb: 1, ephemeral_gb: 0, swap: 0 })
    const wire = {
      uuid,
      projectId: mine,
      userId: 'member'.padEnd(32, '0'),
      spec: RequestSpec.toWire(RequestSpec.make({ instance_uuid: uuid, flavor })),
      instance: Instance.toWire({ ...instance, flavor }),
      blockDeviceMappings: BlockDeviceMappingList.toWire({ objects: [device] }),
      tags: TagList.toWire({ objects: [] }),
    }
    if (cell !== null) {
      await api.serverMappings.remove(uuid)
      await api.database.write((tx) => tx.deleteFrom('request_specs').where('instance_uuid', '=', uuid).execute())
    }
    await api.requests.create([wire] as never, undefined)
    if (cell !== null) await api.serverMappings.update(uuid, { cellId: cell })
    farmed.fakes.volumes.set(...volume(doomed, mine))
    farmed.fakes.attachments.set('a3', { volume: doomed, server: uuid })
  }

  test('no cell has it yet: the request goes, and what was reserved', async () => {
    const uuid = crypto.randomUUID()
    await requested(uuid, null)
    expect((await remove(uuid)).status).toBe(204)
    expect(await farmed.api.backends.stores.api.requests.find(uuid)).toBeUndefined()
    expect([farmed.fakes.attachments.has('a3'), farmed.fakes.volumes.has(doomed), await isQueued(uuid)]).toEqual([false, false, true])
    expect((await remove(uuid)).status).toBe(404)
  })

  test.each([true, false])('a cell has it without a host; with its request: %s', async (withRequest) => {
    const uuid = await farmed.server({ host: null, node: null, vmState: 'building', taskState: 'scheduling', launchedAt: null })
    if (withRequest) await requested(uuid, cellId)
    expect((await remove(uuid)).status).toBe(204)
    expect((await farmed.row(uuid)).deleted).toBeTruthy()
    expect([await isQueued(uuid), farmed.messages]).toEqual([true, []])
  })

  test('a host was chosen in the meantime', async () => {
    const uuid = await farmed.server({ host: null, node: null, vmState: 'building', taskState: 'scheduling', launchedAt: null })
    const { requests } = farmed.api.backends.stores.api
    const find = requests.find
    requests.find = async (wanted) => {
      await farmed.set(uuid, { host: 'host1', node: 'host1' })
      return find(wanted)
    }
    expect((await remove(uuid)).status).toBe(204)
    requests.find = find
    expect(await farmed.heard()).toMatchObject([{ to: 'compute.host1', method: 'terminate_instance' }])
    expect((await farmed.row(uuid)).deleted).toBe(0)
  })
})

describe('several at once', () => {
  const cases = {
    'on a host': {},
    'being built': { host: null, node: null, vmState: 'building', taskState: 'scheduling' },
    'in error': { host: null, node: null, vmState: 'error' },
    'on a host that is down': { host: 'host3' },
  }
  test.each(Object.entries(cases))('%s: each is told 204 or 404', async (_, how) => {
    const uuid = await farmed.server(how)
    const statuses = (await Promise.all(Array.from({ length: 8 }, () => remove(uuid)))).map(({ status }) => status)
    expect(new Set([...statuses, 204, 404])).toEqual(new Set([204, 404]))
    expect(statuses).toContain(204)
    await new Promise((resolve) => setTimeout(resolve, 20))
  })
})

describe('where deleted servers are kept for a while', () => {
  let keeping: Farm
  beforeAll(async () => {
    keeping = await farm()
    ;(keeping.api.backends.settings.compute as { reclaimInstanceInterval: number }).reclaimInstanceInterval = 3600
  })
  afterAll(() => keeping.close())
  const softly = (uuid: string) => keeping.api.call('2.1', `DELETE /servers/${uuid}`, undefined, { as: 'member' })

  test('it is only marked', async () => {
    const uuid = await keeping.server()
    expect((await softly(uuid)).status).toBe(204)
    expect(await keeping.heard()).toMatchObject([{ to: 'compute.host1', method: 'soft_delete_instance' }])
    expect(await keeping.row(uuid)).toMatchObject({ taskState: 'soft-deleting', deletedAt: expect.anything(), deleted: 0 })
  })

  test('one that never ran is deleted', async () => {
    const uuid = await keeping.server({ vmState: 'building', launchedAt: null })
    expect((await softly(uuid)).status).toBe(204)
    expect(await keeping.heard()).toMatchObject([{ method: 'terminate_instance' }])
  })

  test('and can be brought back', async () => {
    const uuid = await keeping.server({ vmState: 'soft-delete', deletedAt: '2026-01-01 00:00:00' })
    expect((await keeping.api.call('2.1', `POST /servers/${uuid}/action`, { restore: null }, { as: 'member' })).status).toBe(202)
    expect(await keeping.row(uuid)).toMatchObject({ taskState: 'restoring', deletedAt: null })
    expect(await keeping.heard()).toMatchObject([{ method: 'restore_instance' }])
  })

  test('even without a host', async () => {
    const uuid = await keeping.server({ vmState: 'soft-delete', host: null, node: null })
    expect((await keeping.api.call('2.1', `POST /servers/${uuid}/action`, { restore: null }, { as: 'member' })).status).toBe(202)
    expect(await keeping.row(uuid)).toMatchObject({ vmState: 'active', taskState: null })
  })
})
