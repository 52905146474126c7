/** Asks a deployment who may do what: `OS_AUTH_URL=… OS_PASSWORD=… node tests/upstream/policy-matrix-live.ts FILE` writes what it was told. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { type Answered, type Ask, type Caller, callers, matrixOf, particulars, questions, type Things } from './policy-matrix.ts'

const {
  OS_AUTH_URL = '',
  OS_USERNAME = 'admin',
  OS_PASSWORD = '',
  OS_PROJECT_NAME = 'admin',
  COMPUTE_ENDPOINT,
  NETWORK_ENDPOINT,
} = process.env
const [file] = process.argv.slice(2)
if (!OS_AUTH_URL || !file) {
  process.stderr.write('OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME and the file to be written\n')
  process.exit(2)
}
const identity = OS_AUTH_URL.replace(/\/(v3\/?)?$/, '/v3')
const ours = `policies-${randomUUID().slice(0, 8)}`
const password = randomUUID()

type Scope = object | undefined
async function tokenOf(user: object, scope: Scope): Promise<{ token: string; catalog: Catalog }> {
  const response = await fetch(`${identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, ...(scope && { scope }) } }),
  })
  if (!response.ok) throw new Error(`${response.status} for a token: ${await response.text()}`)
  const { token } = (await response.json()) as { token: { catalog?: Catalog } }
  return { token: response.headers.get('x-subject-token')!, catalog: token.catalog ?? [] }
}
type Catalog = { type: string; endpoints: { interface: string; url: string }[] }[]

const own = { domain: { id: 'default' } }
const admin = await tokenOf({ name: OS_USERNAME, password: OS_PASSWORD, ...own }, { project: { name: OS_PROJECT_NAME, ...own } })
const urlOf = (type: string) =>
  admin.catalog.find((each) => each.type === type)?.endpoints.find((each) => each.interface === 'public')?.url ?? ''
const compute = (COMPUTE_ENDPOINT ?? urlOf('compute')).replace(/\/$/, '')
const network = (NETWORK_ENDPOINT ?? urlOf('network')).replace(/\/$/, '')

async function send(token: string, method: string, url: string, body?: unknown, version?: string): Promise<Answered> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      'x-auth-token': token,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(version && { 'openstack-api-version': `compute ${version}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: /^[[{]/.test(text) ? JSON.parse(text) : text }
}

/** As the admin, and it must work. */
async function sure(method: string, url: string, body?: unknown, version = '2.96'): Promise<Answered['body']> {
  const answer = await send(admin.token, method, url, body, url.startsWith(compute) ? version : undefined)
  if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

const undo: (() => Promise<unknown>)[] = []
const removing = (url: string) => undo.push(() => send(admin.token, 'DELETE', url, undefined, url.startsWith(compute) ? '2.53' : undefined))

async function made(path: string, key: string, values: object): Promise<string> {
  const { [key]: thing } = await sure('POST', `${identity}/${path}`, { [key]: values })
  removing(`${identity}/${path}/${thing.id}`)
  return thing.id
}

async function peopleIn(project: string, otherProject: string): Promise<{ tokens: Record<Caller, string>; member: string }> {
  const roles = new Map<string, string>(
    (await sure('GET', `${identity}/roles`)).roles.map((role: { name: string; id: string }) => [role.name, role.id]),
  )
  roles.set('nobody', await made('roles', 'role', { name: `${ours}-nothing` }))
  const tokens = {} as Record<Caller, string>
  let member = ''
  for (const caller of callers) {
    const user = await made('users', 'user', { name: `${ours}-${caller}`, password, domain_id: 'default' })
    if (caller === 'member') member = user
    const roleId = roles.get({ other: 'member', system: 'admin', domain: 'admin' }[caller as string] ?? caller)!
    const where =
      caller === 'system' ? 'system' : caller === 'domain' ? 'domains/default' : `projects/${caller === 'other' ? otherProject : project}`
    await sure('PUT', `${identity}/${where}/users/${user}/roles/${roleId}`)
    const scope =
      caller === 'system'
        ? { system: { all: true } }
        : caller === 'domain'
          ? { domain: { id: 'default' } }
          : { project: { id: caller === 'other' ? otherProject : project } }
    tokens[caller] = (await tokenOf({ id: user, password }, scope)).token
  }
  return { tokens, member }
}

async function settled(token: string, server: string, wanted: string): Promise<void> {
  for (let i = 0; i < 120; i++) {
    const { body } = await send(token, 'GET', `${compute}/servers/${server}`, undefined, '2.53')
    if (body.server?.status === wanted && body.server['OS-EXT-STS:task_state'] === null) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error(`server ${server} did not become ${wanted}`)
}

async function prepare(project: string, member: string, tokens: Record<Caller, string>): Promise<Things> {
  const flavor = `${ours}-flavor`
  await sure('POST', `${compute}/flavors`, { flavor: { name: flavor, id: flavor, ram: 64, vcpus: 1, disk: 1 } })
  removing(`${compute}/flavors/${flavor}`)
  await sure('POST', `${compute}/flavors/${flavor}/os-extra_specs`, { extra_specs: { 'hw:cpu_policy': 'shared' } })
  const huge = `${ours}-huge`
  await sure('POST', `${compute}/flavors`, { flavor: { name: huge, id: huge, ram: 9_000_000, vcpus: 1, disk: 1 } })
  removing(`${compute}/flavors/${huge}`)
  const diskless = `${ours}-diskless`
  await sure('POST', `${compute}/flavors`, { flavor: { name: diskless, id: diskless, ram: 64, vcpus: 1, disk: 0 } })
  removing(`${compute}/flavors/${diskless}`)
  await sure('PUT', `${compute}/os-quota-sets/${project}`, { quota_set: { ram: -1 } })
  undo.push(() => send(admin.token, 'DELETE', `${compute}/os-quota-sets/${project}`))
  const { image } = await imageAndNetwork()
  const { networks } = await sure('GET', `${network}/v2.0/networks?name=shared`)
  const as = async (caller: Caller, path: string, body: object, key: string) => {
    const answer = await send(tokens[caller], 'POST', `${compute}${path}`, body, '2.53')
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body[key]
  }
  const boot = async (flavorRef: string, wanted: string) => {
    const server = { name: 'policies', imageRef: image, flavorRef, networks: [{ uuid: networks[0].id }], metadata: { k: 'v' }, tags: ['t'] }
    const { id } = await as('member', '/servers', { server }, 'server')
    undo.push(() => gone(`${compute}/servers/${id}`))
    await settled(tokens.member, id, wanted)
    return id as string
  }
  const server = await boot(flavor, 'ACTIVE')
  const failed = await boot(huge, 'ERROR')
  const group = await as('member', '/os-server-groups', { server_group: { name: 'policies', policies: ['affinity'] } }, 'server_group')
  undo.push(() => send(tokens.member, 'DELETE', `${compute}/os-server-groups/${group.id}`))
  const { aggregate } = await sure('POST', `${compute}/os-aggregates`, { aggregate: { name: `${ours}-aggregate` } })
  removing(`${compute}/os-aggregates/${aggregate.id}`)
  const publicKey = `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, 7)]).toString('base64')} k`
  const key = await as('member', '/os-keypairs', { keypair: { name: 'policies', public_key: publicKey } }, 'keypair')
  undo.push(() => send(tokens.member, 'DELETE', `${compute}/os-keypairs/policies`))
  const services = async (version: string) =>
    (await sure('GET', `${compute}/os-services?binary=nova-compute`, undefined, version)).services[0]
  const hypervisors = async (version: string) => (await sure('GET', `${compute}/os-hypervisors`, undefined, version)).hypervisors[0]
  const mine = await send(tokens.member, 'GET', `${compute}/servers/${server}/os-interface`)
  const actions = await send(tokens.member, 'GET', `${compute}/servers/${server}/os-instance-actions`)
  const groups = await send(tokens.member, 'GET', `${network}/v2.0/security-groups?project_id=${project}`)
  undo.push(() => send(admin.token, 'DELETE', `${network}/v2.0/security-groups/${groups.body.security_groups[0].id}`))
  return {
    project,
    user: member,
    server,
    failed,
    port: mine.body.interfaceAttachments[0].port_id,
    request: actions.body.instanceActions[0].request_id,
    group: group.id,
    aggregate: String(aggregate.id),
    aggregateName: aggregate.name,
    flavor,
    diskless,
    key: key.name,
    host: (await services('2.53')).host,
    service: (await services('2.53')).id,
    serviceNumber: String((await services('2.1')).id),
    hypervisor: (await hypervisors('2.53')).id,
    hypervisorNumber: String((await hypervisors('2.1')).id),
    hypervisorName: (await hypervisors('2.1')).hypervisor_hostname,
    image,
    network: networks[0].id,
    securityGroup: groups.body.security_groups[0].id,
  }
}

async function imageAndNetwork(): Promise<{ image: string }> {
  const { images } = await sure('GET', `${compute}/images`, undefined, '2.1')
  return { image: images.find((each: { name: string }) => each.name === 'cirros').id }
}

async function gone(url: string): Promise<void> {
  await send(admin.token, 'DELETE', url)
  for (let i = 0; i < 60; i++) {
    if ((await send(admin.token, 'GET', url)).status === 404) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

try {
  const project = await made('projects', 'project', { name: ours, domain_id: 'default' })
  const otherProject = await made('projects', 'project', { name: `${ours}-other`, domain_id: 'default' })
  const { tokens, member } = await peopleIn(project, otherProject)
  const things = await prepare(project, member, tokens)
  process.stderr.write('prepared\n')
  const ask: Ask = (caller, { method, path, minor, body }) => send(tokens[caller], method, `${compute}${path}`, body, `2.${minor}`)
  const pattern = new RegExp(process.env.ONLY ?? '.')
  const asked = [...questions(things), ...particulars(things)].filter(({ at }) => pattern.test(at))
  let count = 0
  const counted: Ask = (caller, question) => {
    if (++count % 500 === 0) process.stderr.write(`${count}\n`)
    return ask(caller, question)
  }
  const matrix = await matrixOf(asked, counted, async ({ path }, { body }) => {
    const id = (Object.values(body ?? {})[0] as { id?: string } | null)?.id
    if (id && !path.endsWith('/action')) await send(admin.token, 'DELETE', `${compute}${path}/${id}`, undefined, '2.1')
  })
  writeFileSync(file, `${JSON.stringify(matrix, null, 1)}\n`)
  process.stderr.write(`${count} questions\n`)
} finally {
  for (const step of undo.reverse()) await step().catch((error) => process.stderr.write(`${error}\n`))
}
