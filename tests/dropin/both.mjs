#!/usr/bin/env node
// Both at once, on demand: half of the requests go to Nova's own compute API and half to ours, over the same databases and queues, while servers are made,
// changed, resized, moved and deleted. Afterwards nothing may contradict: what both APIs tell, the databases, Placement. In the environment: see services.mjs, and
//   NOVA_API           where Nova's own compute API is, http://127.0.0.1:8774
// Arguments: how many work side by side (4), how many rounds each (3).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
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

const running = await startServices()
process.stdout.write(`logs: ${running.folder}\n`)
try {
  const made = (await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))).flat()
  process.stdout.write(`${made.length} servers; requests: ${JSON.stringify(asked)}; slowest, ms: ${JSON.stringify(slowest)}\n`)
  await compare(made)
  await inspect(made)
} finally {
  await cleanUp()
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
  const { body: images } = await (await fetch(`${endpoint('image')}/v2/images?name=cirros`, { headers: { 'x-auth-token': token.id } }))
    .json()
    .then((body) => ({ body }))
  const { networks } = await (
    await fetch(`${endpoint('network')}/v2.0/networks?shared=true`, { headers: { 'x-auth-token': token.id } })
  ).json()
  const { body: flavors } = await ask('GET', '/flavors')
  const flavor = (name) => flavors.flavors.find((each) => each.name === name).id
  for (let round = 0; round < rounds; round++) {
    const server = {
      name: `both-${worker}-${round}`,
      imageRef: images.images[0].id,
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
    await step({ 'os-stop': null }, 'SHUTOFF')
    await step({ 'os-start': null }, 'ACTIVE')
    if (await step({ resize: { flavorRef: flavor('m1.micro') } }, 'VERIFY_RESIZE'))
      await step(round % 2 ? { revertResize: null } : { confirmResize: null }, 'ACTIVE', round % 2 ? 202 : 204)
    if (await step({ migrate: { host: null } }, 'VERIFY_RESIZE')) await step({ confirmResize: null }, 'ACTIVE', 204)
    await step({ 'os-migrateLive': { host: null, block_migration: 'auto' } }, 'ACTIVE')
    await step({ shelve: null }, 'SHELVED_OFFLOADED')
    await step({ unshelve: null }, 'ACTIVE')
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
    const plain = ({ status, body }) =>
      JSON.stringify([status, sorted(body)])
        .replaceAll(apis.nova, '')
        .replaceAll(apis.ours, '')
        .replace(/req-[0-9a-f-]+/g, '')
    const strip = (text) => text.replaceAll(new URL(apis.nova).origin, '').replaceAll(new URL(apis.ours).origin, '')
    check(
      `both tell the same of ${path}`,
      strip(plain(nova)) === strip(plain(ours)),
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
  const text = readFileSync(join(needed('NOVA_CONFIG_DIR'), 'nova.conf'), 'utf8')
  const connection = (section) => new URL(new RegExp(`\\[${section}\\][^[]*?connection = (\\S+)`).exec(text)[1])
  const open = async (url) =>
    mysql.createConnection({
      host: url.hostname,
      port: Number(url.port),
      user: url.username,
      password: decodeURIComponent(url.password),
      database: url.pathname.slice(1),
    })
  const api = await open(connection('api_database'))
  const cell = await open(connection('database'))
  const rows = async (from, sql, ...values) => (await from.query(sql, values))[0]
  const marks = ids.map(() => '?').join()
  check(
    'no build request is left',
    (await rows(api, `select 1 from build_requests where instance_uuid in (${marks})`, ...ids)).length === 0,
  )
  const instances = await rows(
    cell,
    `select uuid, deleted, vm_state, task_state, host, memory_mb from instances where uuid in (${marks})`,
    ...ids,
  )
  const mappings = await rows(
    api,
    `select instance_uuid, cell_id, queued_for_delete from instance_mappings where instance_uuid in (${marks})`,
    ...ids,
  )
  check('each server is in the cell once', instances.length === ids.length, instances.length)
  check('each server is mapped', mappings.length === ids.length && mappings.every(({ cell_id: id }) => id !== null), mappings)
  for (const { uuid, deleted, task_state: task, host, vm_state: state } of instances) {
    check(`${uuid} is idle`, task === null && (deleted !== 0 || state === 'active'), { deleted, task, state })
    const mapping = mappings.find((each) => each.instance_uuid === uuid)
    check(`${uuid}: its mapping knows whether it is deleted`, Boolean(mapping?.queued_for_delete) === (deleted !== 0), mapping)
    const { allocations } = await (
      await fetch(`${endpoint('placement').replace(/\/$/, '')}/allocations/${uuid}`, { headers: { 'x-auth-token': token.id } })
    ).json()
    const providers = Object.keys(allocations)
    const nodes = await rows(cell, 'select uuid from compute_nodes where host = ? and deleted = 0', host ?? '')
    check(
      `${uuid}: Placement's account`,
      deleted !== 0 ? providers.length === 0 : providers.length === 1 && providers[0] === nodes[0]?.uuid,
      { host, allocations },
    )
  }
  const moves = await rows(
    cell,
    `select id, status from migrations where instance_uuid in (${marks}) and status not in ('confirmed','reverted','completed')`,
    ...ids,
  )
  check('every move came to its end', moves.length === 0, moves)
  const kept = await rows(
    cell,
    `select instance_uuid from block_device_mapping b join instances i on i.uuid = b.instance_uuid where i.deleted <> 0 and b.deleted = 0 and i.uuid in (${marks})`,
    ...ids,
  )
  check('no disk outlives its server', kept.length === 0, kept)
  await api.end()
  await cell.end()
}

async function cleanUp() {
  const { body } = await ask('GET', '/servers?all_tenants=1&name=^both-', undefined, { api: 'ours' })
  for (const { id } of body?.servers ?? []) await ask('DELETE', `/servers/${id}`, undefined, { api: 'ours' })
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
