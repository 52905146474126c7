// Nova's own compute API and ours, each with a server, a flavor, a key, … of its own, so that both can be asked the same: on one deployment or, to compare what stands
// behind them as well, in clouds of their own. In the environment: see services.mjs, and
//   NOVA_API      where Nova's own compute API is
//   OTHER_OPENRC  a file that exports OS_* of an administrator of the other cloud, an embedded one that runs, say; ours is started on Nova's deployment when unset
// Both clouds have demo, demo_reader and alt_demo, with the administrator's password (`nova-ts cloud up --password`), the image cirros, a shared network, and the flavors 1
// and 2.
import { Agent, request } from 'node:http'
import { authenticate, clientEnvironment, computeAt, needed, startServices } from './services.mjs'

const agent = new Agent({ keepAlive: true })
const other = process.env.OTHER_OPENRC

/** The two that are compared, Nova's first. `things` are those of a side's own, `callers` who asks: things belong to the member. */
export const sides = [
  await sideOf('nova', clientEnvironment(), needed('NOVA_API')),
  await sideOf('ours', clientEnvironment(other), other ? undefined : computeAt),
]

async function sideOf(name, env, url) {
  const user = (user, project) => authenticate({ ...env, OS_USERNAME: user, OS_PROJECT_NAME: project })
  const callers = {
    admin: await authenticate(env),
    member: await user('demo', 'demo'),
    reader: await user('demo_reader', 'demo'),
    other: await user('alt_demo', 'alt_demo'),
  }
  const side = { name, callers, things: {} }
  return { ...side, url: url ?? endpoint(side, 'compute').replace(/\/v2\.1.*$/, '') }
}

function endpoint({ callers }, type) {
  return callers.member.catalog.find((each) => each.type === type).endpoints.find((each) => each.interface === 'public').url
}

/** Starts our services, builds what both sides need, does the work, and takes all away again. */
export async function withTwins(work) {
  const running = other ? undefined : await startServices()
  if (running) process.stdout.write(`logs: ${running.folder}\n`)
  try {
    await Promise.all(sides.map(build))
    await work()
  } finally {
    for (const side of sides) await remove(side)
    await running?.stop()
    agent.destroy()
  }
}

/** One request as it is, `GET /path` and the text of a body; `version` undefined for the legacy endpoint. */
export function ask(side, who, route, { text, version } = {}) {
  const { method, path } = parted(route)
  const headers = { 'x-auth-token': side.callers[who].id, ...(version && { 'openstack-api-version': `compute ${version}` }) }
  if (text !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  return new Promise((done, fail) => {
    const outgoing = request(`${side.url}${path}`, { method, headers, agent }, (answer) => {
      const chunks = []
      answer
        .on('data', (chunk) => chunks.push(chunk))
        .on('end', () => done({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() }))
      answer.on('error', fail)
    })
    outgoing.setTimeout(120_000, () => outgoing.destroy(new Error(`${route}: no answer`)))
    outgoing
      .on('error', (error) =>
        error.code === 'ECONNRESET' && outgoing.reusedSocket ? ask(side, who, route, { text, version }).then(done, fail) : fail(error),
      )
      .end(text)
  })
}

function parted(route) {
  const end = route.indexOf(' ')
  return { method: route.slice(0, end), path: route.slice(end + 1) }
}

/** As a caller, and it must work. The answer's body. */
export async function sure(side, who, route, body, version = '2.96') {
  const { method, path } = parted(route)
  const answer = await ask(side, who, `${method} /v2.1${path}`, { text: body && JSON.stringify(body), version })
  if (answer.status >= 300) throw new Error(`${side.name}: ${route}: ${answer.status} ${answer.text}`)
  return answer.text ? JSON.parse(answer.text) : undefined
}

/** Of another service, as the member. */
async function fromPeer(side, type, route, body) {
  const { method, path } = parted(route)
  const answer = await fetch(`${endpoint(side, type)}${path}`, {
    method,
    headers: { 'x-auth-token': side.callers.member.id, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return answer.status === 204 ? undefined : answer.json()
}

/** What was there before. */
async function find(side) {
  const { images } = await fromPeer(side, 'image', 'GET /v2/images?name=cirros')
  const { networks } = await fromPeer(side, 'network', 'GET /v2.0/networks?shared=true')
  const { hypervisors } = await sure(side, 'admin', 'GET /os-hypervisors')
  Object.assign(side.things, {
    image: images[0].id,
    network: networks[0].id,
    hypervisor: hypervisors[0].id,
    host: hypervisors[0].hypervisor_hostname,
  })
}

/** Names of a side's own, of the same length on both. */
const nameOf = ({ name }) => `alike${process.pid}-${name}`

/** Both have the same. */
async function build(side) {
  const { things } = side
  await find(side)
  const name = nameOf(side)
  things.flavor = name
  await sure(side, 'admin', 'POST /flavors', { flavor: { id: name, name, ram: 64, vcpus: 1, disk: 0 } })
  await sure(side, 'admin', `POST /flavors/${name}/os-extra_specs`, { extra_specs: { key1: 'value1' } })
  things.key = name
  const keypair = { name, type: 'ssh', public_key: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDALIKE alike' }
  await sure(side, 'member', 'POST /os-keypairs', { keypair }, '2.10').catch(() => undefined)
  const { aggregate } = await sure(side, 'admin', 'POST /os-aggregates', { aggregate: { name } })
  things.aggregate = String(aggregate.id)
  const { server_group } = await sure(side, 'member', 'POST /os-server-groups', { server_group: { name, policy: 'anti-affinity' } })
  things.group = server_group.id
  const { volume } = await fromPeer(side, 'volumev3', 'POST /volumes', { volume: { size: 1, name } })
  things.volume = volume.id
  await buildServer(side)
}

/** Another server for a side. */
export async function buildServer(side) {
  const { things } = side
  const server = {
    name: nameOf(side),
    imageRef: things.image,
    flavorRef: '1',
    networks: [{ uuid: things.network }],
    metadata: { key1: 'value1' },
    tags: ['abc'],
  }
  things.server = (await sure(side, 'member', 'POST /servers', { server })).server.id
  await settled(side, ({ status }) => status === 'ACTIVE')
  things.request = (await sure(side, 'member', `GET /servers/${things.server}/os-instance-actions`)).instanceActions[0].request_id
  things.port = (await sure(side, 'member', `GET /servers/${things.server}/os-interface`)).interfaceAttachments[0].port_id
}

/** The side's server when nothing is being done to it and `good` says so; its status is GONE when there is none, STUCK after a minute. */
export async function settled(side, good) {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await ask(side, 'admin', `GET /v2.1/servers/${side.things.server}`, { version: '2.96' })
    const server = answer.status === 200 ? JSON.parse(answer.text).server : { status: 'GONE', 'OS-EXT-STS:task_state': null }
    if (server.status === 'GONE' || (server['OS-EXT-STS:task_state'] === null && good(server))) return server
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return { status: 'STUCK' }
}

async function remove(side) {
  const { things } = side
  const gone = (who, path) => ask(side, who, `DELETE /v2.1${path}`, { version: '2.96' }).catch(() => undefined)
  if (things.server) await gone('admin', `/servers/${things.server}`)
  if (things.flavor) await gone('admin', `/flavors/${things.flavor}`)
  if (things.key) await gone('member', `/os-keypairs/${things.key}`)
  if (things.aggregate) await gone('admin', `/os-aggregates/${things.aggregate}`)
  if (things.group) await gone('member', `/os-server-groups/${things.group}`)
  if (things.volume) await fromPeer(side, 'volumev3', `DELETE /volumes/${things.volume}`).catch(() => undefined)
}

/** What differs from side to side and from moment to moment, and what stands for it; in this order. */
const passing = [
  [/-(nova|ours)\b/g, '-side'],
  [/\bfake[12]\b/g, '<host>'],
  [/\b10\.10\.\d+\.\d+/g, '<address>'],
  [/\bfa:16:3e(:[0-9a-f]{2}){3}/g, '<mac>'],
  [/"[0-9a-f]{56}"/g, '"<hostId>"'],
  [/instance-[0-9a-f]{8}/g, '<instance>'],
  [/("fingerprint": ?)"[^"]+"/g, '$1"<fingerprint>"'],
  [/("private_key": ?|"public_key": ?)"[^"]+"/g, '$1"<key>"'],
  [/("adminPass": ?)"[^"]+"/g, '$1"<password>"'],
  [/"r-[a-z0-9]{8}"/g, '"<reservation>"'],
  [/("(?:hours|total_[a-z_]+|uptime)": ?)[\d.e-]+/g, '$1"<number>"'],
  [/[^ -~][^ -~-]+(-[^ -~]+){40,}/g, '<letters>'],
  [/(access not found for )\d+/g, '$1<n>'],
  [/req-[0-9a-f-]{36}/g, '<request>'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>'],
  [/\b[0-9a-f]{32}\b/g, '<project>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?/g, '<time>'],
]
const aggregateIds = [/("id": ?|aggregate )\d+/gi, '$1 0']

/** A text without these. `at` is the operation that said it. */
function lasting(text, at) {
  const same = sides.reduce((said, { url }) => said.replaceAll(url, '<url>'), text)
  const all = at.includes('/os-aggregates') ? [...passing, aggregateIds] : passing
  return all.reduce((said, [pattern, name]) => said.replaceAll(pattern, name), same)
}

const compared = ['content-type', 'openstack-api-version', 'x-openstack-nova-api-version', 'vary', 'location', 'allow', 'retry-after']

/** An answer without what differs from side to side and from moment to moment. `at` is the operation that it is of. */
export function plain({ status, headers, text }, at = '') {
  const told = compared.filter((name) => headers[name]).map((name) => `${name}: ${lasting(String(headers[name]), at)}`)
  return `${status} ${told.join('; ')} ${ordered(lasting(text, at))}`
}

/** JSON with its keys in order; any other text as it is. */
function ordered(text) {
  try {
    return JSON.stringify(sorted(JSON.parse(text)))
  } catch {
    return text
  }
}

const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, each]) => [key, sorted(each)]),
        )
      : value
