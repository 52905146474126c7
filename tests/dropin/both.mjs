#!/usr/bin/env node
// Both at once, on demand: half of the requests go to Nova's own compute API and half to ours, over the same databases and queues, while servers are made,
// changed, resized, moved and deleted, some of them on a volume, all with another that comes and goes. Afterwards nothing may contradict: what both APIs tell, the
// databases, Placement, Cinder, Neutron. In the environment: see services.mjs, and
//   NOVA_API           where Nova's own compute API is, http://127.0.0.1:8774
// Arguments: how many work side by side (4), how many rounds each (3).
import { openDatabase } from './databases.mjs'
import { authenticate, clientEnvironment, computeAt, needed, startServices } from './services.mjs'

const [workers = 4, rounds = 3] = process.argv.slice(2).map(Number)
const apis = { nova: `${needed('NOVA_API')}/v2.1`, ours: `${computeAt}/v2.1` }
const env = clientEnvironment()
const token = await authenticate(env)
const endpoint = (type) =>
  token.catalog.find((service) => service.type === type).endpoints.find(({ interface: side }) => side === 'public').url
const counts = { passed: 0, failed: 0 }
const asked = { nova: 0, ours: 0 }
const slowest = { nova: 0, ours: 0 }
const volumes = []

const running = await startServices()
process.stdout.write(`logs: ${running.folder}\n`)
const allowed = await allowVolumes(-1)
try {
  const made = (await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))).flat()
  process.stdout.write(`${made.length} servers; requests: ${JSON.stringify(asked)}; slowest, ms: ${JSON.stringify(slowest)}\n`)
  await compare(made)
  await inspect(made)
} finally {
  await cleanUp()
  await allowVolumes(allowed)
  await running.stop()
}
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, 0 skipped\n`)
process.exit(counts.failed > 0 ? 1 : 0)

function check(what, good, shown = '') {
  counts[good ? 'passed' : 'failed']++
  if (!good) process.stdout.write(`✗ ${what} ${typeof shown === 'string' ? shown : JSON.stringify(shown)}\n`)
}

/** Asks one of the two, in turns. */
async function ask(method, path, body, { api = (asked.nova + asked.ours) % 2 ? 'ours' : 'nova', version = '2.96' } = {}) {
  asked[api]++
  const start = performance.now()
  const answer = await fetch(`${apis[api]}${path}`, {
    method,
    headers: { 'x-auth-token': token.id, 'content-type': 'application/json', 'openstack-api-version': `compute ${version}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  slowest[api] = Math.max(slowest[api], Math.round(performance.now() - start))
  return { api, status: answer.status, body: text === '' ? null : JSON.parse(text) }
}

async function wanted(status, method, path, body, options) {
  const answer = await ask(method, path, body, options)
  check(
    `${answer.api}: ${method} ${path} ${JSON.stringify(body ?? '')}`,
    answer.status === status,
    `→ ${answer.status} ${JSON.stringify(answer.body)}`,
  )
  return answer
}

/** Asks Cinder (version 3.44: attachments are told) or another neighbour. */
async function neighbour(type, method, path, body) {
  const answer = await fetch(`${endpoint(type).replace(/\/$/, '')}${path}`, {
    method,
    headers: { 'x-auth-token': token.id, 'content-type': 'application/json', 'openstack-api-version': 'volume 3.44' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : null }
}

/** A volume of 1 GB, from an image if there is one to be on it. */
async function newVolume(name, imageRef) {
  const { status, body } = await neighbour('volumev3', 'POST', '/volumes', { volume: { size: 1, name, ...(imageRef && { imageRef }) } })
  check(`Cinder makes ${name}`, status === 202, body)
  if (status !== 202) return null
  check(`${name} is there`, await volumeIs(body.volume.id, 'available'))
  return body.volume.id
}

/** Each works with two, and others may have some as well: resolves with what was allowed before. */
async function allowVolumes(volumes) {
  const at = `/os-quota-sets/${token.projectId}`
  const { body } = await neighbour('volumev3', 'GET', at)
  await neighbour('volumev3', 'PUT', at, { quota_set: { volumes } })
  return body.quota_set.volumes
}

async function volumeIs(id, status) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(300)) {
    const { body } = await neighbour('volumev3', 'GET', `/volumes/${id}`)
    if ((body?.volume?.status ?? 'gone') === status) return true
  }
  return false
}

/** Polls both in turns until the server is idle in a state; false when it is in error, or too slow. */
async function until(id, state) {
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; await pause(300)) {
    const { status, body } = await ask('GET', `/servers/${id}`)
    if (status !== 200) continue
    const { status: now, 'OS-EXT-STS:task_state': task, fault } = body.server
    if (now === state && task === null) return true
    if (now === 'ERROR' && task === null) {
      process.stdout.write(`${id}: ${JSON.stringify(fault?.message)}\n`)
      return false
    }
  }
  return false
}

async function work(worker) {
  const ids = []
  const { images } = (await neighbour('image', 'GET', '/v2/images?name=cirros')).body
  const { networks } = (await neighbour('network', 'GET', '/v2.0/networks?shared=true')).body
  const { body: flavors } = await ask('GET', '/flavors')
  const flavor = (name) => flavors.flavors.find((each) => each.name === name).id
  for (let round = 0; round < rounds; round++) {
    const name = `both-${worker}-${round}`
    const onVolume = (worker + round) % 2 === 1
    const root = onVolume ? await newVolume(`${name}-root`, images[0].id) : null
    const disk = { boot_index: 0, source_type: 'volume', destination_type: 'volume', uuid: root, delete_on_termination: true }
    const server = {
      name,
      ...(onVolume ? { block_device_mapping_v2: [disk] } : { imageRef: images[0].id }),
      flavorRef: flavor('m1.nano'),
      networks: [{ uuid: networks[0].id }],
      tags: ['both'],
    }
    const { body } = await wanted(202, 'POST', '/servers', { server })
    const id = body?.server?.id
    if (!id) continue
    ids.push(id)
    const step = async (action, state, status = 202) => {
      await wanted(status, 'POST', `/servers/${id}/action`, action)
      const arrived = await until(id, state)
      check(`${id} after ${Object.keys(action)[0]}`, arrived, `is not ${state}`)
      return arrived
    }
    check(`${id} is built`, await until(id, 'ACTIVE'))
    await wanted(200, 'POST', `/servers/${id}/metadata`, { metadata: { round: String(round) } })
    await wanted(201, 'PUT', `/servers/${id}/tags/t${round}`)
    const volume = await newVolume(name)
    volumes.push(volume)
    await wanted(200, 'POST', `/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId: volume } })
    check(`${volume} is attached`, await volumeIs(volume, 'in-use'))
    await step({ 'os-stop': null }, 'SHUTOFF')
    await step({ 'os-start': null }, 'ACTIVE')
    if (await step({ resize: { flavorRef: flavor('m1.micro') } }, 'VERIFY_RESIZE'))
      await step(round % 2 ? { revertResize: null } : { confirmResize: null }, 'ACTIVE', round % 2 ? 202 : 204)
    if (await step({ migrate: { host: null } }, 'VERIFY_RESIZE')) await step({ confirmResize: null }, 'ACTIVE', 204)
    await step({ 'os-migrateLive': { host: null, block_migration: 'auto' } }, 'ACTIVE')
    await step({ shelve: null }, 'SHELVED_OFFLOADED')
    await step({ unshelve: null }, 'ACTIVE')
    if (round % 2 === 1) {
      await wanted(202, 'DELETE', `/servers/${id}/os-volume_attachments/${volume}`)
      check(`${volume} is detached`, await volumeIs(volume, 'available'))
      await wanted(200, 'POST', `/servers/${id}/os-volume_attachments`, { volumeAttachment: { volumeId: volume } })
      check(`${volume} is attached again`, await volumeIs(volume, 'in-use'))
    }
    if (round % 2 === 0) {
      await wanted(204, 'DELETE', `/servers/${id}`)
      // two who delete at once: nobody may fail otherwise
      const again = await ask('DELETE', `/servers/${id}`)
      check(`${again.api}: a second delete`, [204, 404].includes(again.status) || (again.api === 'nova' && again.status === 500), again)
    }
  }
  return ids
}

/** What both tell of each server, of all of them, and of what they used. */
async function compare(ids) {
  await pause(3_000)
  const same = async (path, version) => {
    const [nova, ours] = [
      await ask('GET', path, undefined, { api: 'nova', version }),
      await ask('GET', path, undefined, { api: 'ours', version }),
    ]
    const plain = ({ api, status, body }) =>
      JSON.stringify([status, sorted(body)])
        .replaceAll(new URL(apis[api]).origin, '')
        .replace(/req-[0-9a-f-]+/g, '')
    check(
      `both tell the same of ${path}`,
      plain(nova) === plain(ours),
      `\n  nova: ${plain(nova).slice(0, 1500)}\n  ours: ${plain(ours).slice(0, 1500)}`,
    )
  }
  for (const id of ids)
    for (const path of ['', '/os-instance-actions', '/os-interface', '/metadata', '/tags', '/migrations', '/os-volume_attachments', '/ips'])
      await same(`/servers/${id}${path}`, '2.96')
  for (const path of [
    '/servers/detail?all_tenants=1',
    '/servers?deleted=1&all_tenants=1',
    '/os-migrations',
    '/limits',
    '/os-hypervisors/detail',
    '/os-services',
    '/os-aggregates',
  ])
    await same(path, '2.88')
}

/** What no API tells: nothing half-made in the databases, and Placement's account of each server. */
async function inspect(ids) {
  const api = await openDatabase('api_database')
  const cell = await openDatabase('database')
  const marks = ids.map(() => '?').join()
  check('no build request is left', (await api.rows(`select 1 from build_requests where instance_uuid in (${marks})`, ...ids)).length === 0)
  const instances = await cell.rows(
    `select uuid, deleted, vm_state, task_state, host, memory_mb from instances where uuid in (${marks})`,
    ...ids,
  )
  const mappings = await api.rows(
    `select instance_uuid, cell_id, queued_for_delete from instance_mappings where instance_uuid in (${marks})`,
    ...ids,
  )
  check('each server is in the cell once', instances.length === ids.length, instances.length)
  check('each server is mapped', mappings.length === ids.length && mappings.every(({ cell_id: id }) => id !== null), mappings)
  for (const { uuid, deleted, task_state: task, host, vm_state: state } of instances) {
    check(`${uuid} is idle`, task === null && (deleted !== 0 || state === 'active'), { deleted, task, state })
    const mapping = mappings.find((each) => each.instance_uuid === uuid)
    check(`${uuid}: its mapping knows whether it is deleted`, Boolean(mapping?.queued_for_delete) === (deleted !== 0), mapping)
    const { allocations } = (await neighbour('placement', 'GET', `/allocations/${uuid}`)).body
    const providers = Object.keys(allocations)
    const nodes = await cell.rows('select uuid from compute_nodes where host = ? and deleted = 0', host ?? '')
    check(
      `${uuid}: Placement's account`,
      deleted !== 0 ? providers.length === 0 : providers.length === 1 && providers[0] === nodes[0]?.uuid,
      { host, allocations },
    )
  }
  const moves = await cell.rows(
    `select id, status from migrations where instance_uuid in (${marks}) and status not in ('confirmed','reverted','completed')`,
    ...ids,
  )
  check('every move came to its end', moves.length === 0, moves)
  const kept = await cell.rows(
    `select instance_uuid from block_device_mapping b join instances i on i.uuid = b.instance_uuid where i.deleted <> 0 and b.deleted = 0 and i.uuid in (${marks})`,
    ...ids,
  )
  check('no disk outlives its server', kept.length === 0, kept)
  await inspectVolumes(ids, instances, cell)
  await inspectPorts(instances)
  await api.close()
  await cell.close()
}

/** Each volume of a server is known to Nova and to Cinder by the same attachment, and one without a server by none. */
async function inspectVolumes(ids, instances, cell) {
  const marks = ids.map(() => '?').join()
  const disks = await cell.rows(
    `select instance_uuid, volume_id, attachment_id from block_device_mapping
     where deleted = 0 and destination_type = 'volume' and instance_uuid in (${marks})`,
    ...ids,
  )
  const { attachments } = (await neighbour('volumev3', 'GET', '/attachments/detail?all_tenants=1')).body
  const pairs = (list) => list.toSorted().join('\n')
  check(
    'Nova and Cinder know the same attachments',
    pairs(disks.map((each) => [each.instance_uuid, each.volume_id, each.attachment_id].join())) ===
      pairs(attachments.filter((each) => ids.includes(each.instance)).map((each) => [each.instance, each.volume_id, each.id].join())),
    { disks, attachments },
  )
  const alive = new Set(instances.filter(({ deleted }) => deleted === 0).map(({ uuid }) => uuid))
  for (const id of volumes) {
    const { body } = await neighbour('volumev3', 'GET', `/volumes/${id}`)
    const disk = disks.find((each) => each.volume_id === id)
    check(
      `${id}: in use by its server, or free`,
      body?.volume?.status === (disk ? 'in-use' : 'available') && (disk === undefined || alive.has(disk.instance_uuid)),
      { volume: body, disk },
    )
  }
  const { body } = await neighbour('volumev3', 'GET', '/volumes/detail?all_tenants=1')
  const roots = body.volumes.filter(({ name }) => /^both-.*-root$/.test(name))
  for (const { id, name } of roots)
    check(
      `${name} went with its server`,
      disks.some((each) => each.volume_id === id),
    )
}

/** Each server that is there has its one port, on its host; none is left of the others. */
async function inspectPorts(instances) {
  for (const { uuid, deleted, host } of instances) {
    const { ports } = (await neighbour('network', 'GET', `/v2.0/ports?device_id=${uuid}`)).body
    const right = deleted === 0 ? ports.length === 1 && ports[0]['binding:host_id'] === host : ports.length === 0
    check(`${uuid}: Neutron's ports`, right, { host, ports: ports.map((port) => [port.id, port['binding:host_id'], port.status]) })
  }
}

async function cleanUp() {
  const { body } = await ask('GET', '/servers?all_tenants=1&name=^both-', undefined, { api: 'ours' })
  for (const { id } of body?.servers ?? []) await ask('DELETE', `/servers/${id}`, undefined, { api: 'ours' })
  for (const id of volumes) {
    await volumeIs(id, 'available')
    await neighbour('volumev3', 'DELETE', `/volumes/${id}`)
  }
}

/** Keys in one order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  )
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
