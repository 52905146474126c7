/** What a person does first: the ordinary `openstack` client, from a flavor to a server and back. */
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../support/cloud.ts'
import { journey, type Trip } from './travel.ts'

// biome-ignore lint/suspicious/noExplicitAny: what a command prints has the shape that its step expects
type Printed = any

interface Person extends Trip {
  /** Runs `openstack` with these words; what it prints as JSON, or null. */
  openstack(...words: string[]): Promise<Printed>
  /** What it prints, as text. */
  read(...words: string[]): Promise<string>
  /** The same for somebody of clouds.yaml; the variables of an openrc would win over `--os-cloud`. */
  as(cloud: string): Pick<Person, 'openstack' | 'read'>
  readonly found: Record<string, string>
}

const longestOutput = 24

function person(trip: Trip): Person {
  const { cloud, tell } = trip
  const variables = cloud.variables()
  const client = (env: Promise<Record<string, string>>, first: readonly string[] = []): Pick<Person, 'openstack' | 'read'> => {
    async function read(...words: string[]): Promise<string> {
      const argv = [...first, ...words]
      tell(`$ openstack ${argv.map((word) => (/^[\w./:=,-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`)
      const { code, out, err } = await run('openstack', argv, { cwd: cloud.folder, env: await env })
      const lines = out.trimEnd().split('\n')
      if (out) tell(lines.length > longestOutput ? [...lines.slice(0, longestOutput), `… (${lines.length} lines)`].join('\n') : out)
      if (code !== 0) throw new Error(`openstack ended with ${code}: ${err || out}`)
      return out
    }
    async function openstack(...words: string[]): Promise<Printed> {
      const out = await read(...words, '-f', 'json')
      return out.trim() === '' ? null : JSON.parse(out)
    }
    return { read, openstack }
  }
  const onlyFile = variables.then((all) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => name === 'OS_CLIENT_CONFIG_FILE' || !name.startsWith('OS_'))),
  )
  return { ...trip, found: {}, ...client(variables), as: (name) => client(onlyFile, ['--os-cloud', name]) }
}

async function isServer({ openstack }: Person, status: string, seconds = 60): Promise<Printed> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const server = await openstack('server', 'show', 'web', '-c', 'status', '-c', 'OS-EXT-STS:task_state', '-c', 'id')
    if (server.status === status && server['OS-EXT-STS:task_state'] === null) return server
    if (server.status === 'ERROR' || performance.now() > end) throw new Error(`web is ${server.status}, not ${status}`)
  }
}

/** As Neutron's metadata agent asks for a guest. */
async function metadataOf({ cloud, found, tell }: Person, path: string): Promise<string> {
  const { METADATA_ENDPOINT, METADATA_SECRET } = await cloud.variables()
  const signature = createHmac('sha256', METADATA_SECRET!).update(found.server!).digest('hex')
  const headers = {
    'X-Forwarded-For': found.address!,
    'X-Instance-ID': found.server!,
    'X-Tenant-ID': found.project!,
    'X-Instance-ID-Signature': signature,
  }
  tell(`GET ${METADATA_ENDPOINT}${path}`)
  const answer = await fetch(`${METADATA_ENDPOINT}${path}`, { headers })
  const body = await answer.text()
  tell(`${answer.status} ${body}`)
  assert.equal(answer.status, 200)
  return body
}

/** Debian's package; installed where that is allowed. */
async function clientIsMissing(tell: (text: string) => void): Promise<string | undefined> {
  const works = async () => (await run('openstack', ['--version']).catch(() => ({ code: 1 }))).code === 0
  if (await works()) return undefined
  if (process.getuid?.() !== 0)
    return 'there is no openstack client, and only root may install it (apt-get install python3-openstackclient)'
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  tell('installing python3-openstackclient')
  for (const argv of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'python3-openstackclient'],
  ]) {
    const { code, err } = await run('apt-get', argv, { env }).catch((error: Error) => ({ code: 1, err: error.message }))
    if (code !== 0) return `apt-get ${argv[0]} did not succeed: ${err.slice(0, 400)}`
  }
  return (await works()) ? undefined : 'the client was installed and does not run'
}

const bytes = randomBytes(256 * 1024)

export const travels = journey({
  title: "Debian's python3-openstackclient against the embedded cloud",
  obstacle: clientIsMissing,
  pack: person,
  steps: [
    [
      'log in',
      async ({ openstack, read, found }) => {
        await read('--version')
        found.project = (await openstack('token', 'issue')).project_id
        const services = (await openstack('catalog', 'list')).map((row: Printed) => row.Type)
        for (const type of ['compute', 'identity', 'image', 'network', 'placement']) assert.ok(services.includes(type), type)
      },
    ],
    [
      'a flavor',
      async ({ openstack }) => {
        const flavor = await openstack(
          'flavor',
          'create',
          'small',
          '--ram',
          '256',
          '--disk',
          '1',
          '--vcpus',
          '1',
          '--property',
          'hw_rng:allowed=True',
        )
        assert.deepEqual([flavor.ram, flavor.disk, flavor.vcpus], [256, 1, 1])
        await openstack('flavor', 'create', 'larger', '--ram', '512', '--disk', '2', '--vcpus', '2')
        const names = (await openstack('flavor', 'list')).map((row: Printed) => row.Name)
        for (const name of ['small', 'larger', 'm1.nano', 'm1.xlarge']) assert.ok(names.includes(name), name)
      },
    ],
    [
      'a key pair',
      async ({ read, openstack }) => {
        assert.match(await read('keypair', 'create', 'mine'), /^-----BEGIN [A-Z ]*PRIVATE KEY-----/)
        assert.equal((await openstack('keypair', 'list'))[0].Name, 'mine')
      },
    ],
    [
      'an image, there and back',
      async ({ cloud, openstack, read }) => {
        writeFileSync(join(cloud.folder, 'disk.raw'), bytes)
        const image = await openstack('image', 'create', 'disk', '--disk-format', 'raw', '--container-format', 'bare', '--file', 'disk.raw')
        assert.match(image.status, /^(active|queued|saving)$/)
        assert.equal((await openstack('image', 'show', 'disk')).status, 'active')
        await read('image', 'save', '--file', 'back.raw', 'disk')
        assert.ok(readFileSync(join(cloud.folder, 'back.raw')).equals(bytes), 'the image came back as it was')
      },
    ],
    [
      'a network with a subnet',
      async ({ openstack }) => {
        await openstack('network', 'create', 'inside')
        const subnet = await openstack('subnet', 'create', 'inside-v4', '--network', 'inside', '--subnet-range', '10.77.0.0/24')
        assert.equal(subnet.gateway_ip, '10.77.0.1')
      },
    ],
    [
      'a server',
      async ({ cloud, openstack, found }) => {
        writeFileSync(join(cloud.folder, 'user-data'), '#cloud-config\nhostname: web\n')
        const words = ['--image', 'disk', '--flavor', 'small', '--network', 'inside', '--key-name', 'mine', '--user-data', 'user-data']
        const server = await openstack('server', 'create', 'web', ...words, '--property', 'purpose=journey', '--wait')
        assert.equal(server.status, 'ACTIVE')
        found.server = server.id
        found.address = /10\.77\.0\.\d+/.exec(JSON.stringify(server.addresses))?.[0] ?? ''
        assert.notEqual(found.address, '')
      },
    ],
    [
      'the server is listed and shown',
      async ({ openstack, found }) => {
        const listed = await openstack('server', 'list')
        assert.deepEqual([listed.length, listed[0].ID, listed[0].Status], [1, found.server, 'ACTIVE'])
        const server = await openstack('server', 'show', 'web')
        assert.equal(server.key_name, 'mine')
        assert.deepEqual(server.properties, { purpose: 'journey' })
      },
    ],
    [
      'its metadata is served to it',
      async (person) => {
        const told = JSON.parse(await metadataOf(person, '/openstack/latest/meta_data.json'))
        assert.equal(told.uuid, person.found.server)
        assert.equal(told.meta.purpose, 'journey')
        assert.ok(told.public_keys.mine)
        assert.equal(await metadataOf(person, '/openstack/latest/user_data'), '#cloud-config\nhostname: web\n')
        assert.equal(await metadataOf(person, '/latest/meta-data/local-ipv4'), person.found.address)
        const network = JSON.parse(await metadataOf(person, '/openstack/latest/network_data.json'))
        assert.equal(network.networks[0].ip_address ?? person.found.address, person.found.address)
      },
    ],
    [
      'an address of the outside, which the server shows as soon as Nova has heard of it',
      async ({ openstack, read, found }) => {
        await openstack('router', 'create', 'door', '--external-gateway', 'public')
        await read('router', 'add', 'subnet', 'door', 'inside-v4')
        found.floating = (await openstack('floating', 'ip', 'create', 'public')).floating_ip_address
        await read('server', 'add', 'floating', 'ip', 'web', found.floating!)
        const end = performance.now() + 10_000
        for (;;) {
          const { addresses } = await openstack('server', 'show', 'web', '-c', 'addresses')
          if (JSON.stringify(addresses).includes(found.floating!)) break
          if (performance.now() > end) throw new Error(`the server does not show ${found.floating}`)
        }
        await read('server', 'remove', 'floating', 'ip', 'web', found.floating!)
        await read('floating', 'ip', 'delete', found.floating!)
      },
    ],
    [
      'stop and start',
      async (person) => {
        await person.read('server', 'stop', 'web')
        await isServer(person, 'SHUTOFF')
        await person.read('server', 'start', 'web')
        await isServer(person, 'ACTIVE')
      },
    ],
    [
      'reboot',
      async (person) => {
        await person.read('server', 'reboot', 'web', '--wait')
        await person.read('server', 'reboot', '--hard', 'web', '--wait')
        await isServer(person, 'ACTIVE')
      },
    ],
    [
      'resize and confirm',
      async (person) => {
        await person.read('server', 'resize', '--flavor', 'larger', '--wait', 'web')
        await isServer(person, 'VERIFY_RESIZE')
        await person.read('server', 'resize', 'confirm', 'web')
        await isServer(person, 'ACTIVE')
        assert.match(JSON.stringify((await person.openstack('server', 'show', 'web')).flavor), /larger/)
      },
    ],
    [
      'rebuild from another image',
      async (person) => {
        await person.read('server', 'rebuild', '--image', 'cirros', '--wait', 'web')
        await isServer(person, 'ACTIVE')
        assert.match((await person.openstack('server', 'show', 'web')).image, /cirros/)
      },
    ],
    [
      'an image of the server',
      async ({ openstack }) => {
        await openstack('server', 'image', 'create', '--name', 'copy', '--wait', 'web')
        const image = await openstack('image', 'show', 'copy')
        assert.equal(image.status, 'active')
        assert.ok(image.size > 0)
      },
    ],
    [
      'its console and its history',
      async ({ read, openstack }) => {
        assert.notEqual((await read('console', 'log', 'show', 'web')).trim(), '')
        const events = (await openstack('server', 'event', 'list', 'web')).map((row: Printed) => row.Action)
        for (const action of ['create', 'stop', 'start', 'reboot', 'resize', 'confirmResize', 'rebuild', 'createImage'])
          assert.ok(events.includes(action), `${action} in ${events}`)
      },
    ],
    [
      'what a member of another project sees of it',
      async ({ as, found }) => {
        const { openstack, read } = as('devstack')
        assert.deepEqual(await openstack('server', 'list'), [])
        await assert.rejects(read('server', 'show', found.server!), /No server (with a name or ID|found)/i)
        await assert.rejects(read('flavor', 'create', 'mine', '--ram', '64'), /\b403\b.*os-flavor-manage/)
        const networks = (await openstack('network', 'list')).map((row: Printed) => row.Name)
        assert.deepEqual(networks.sort(), ['private', 'public', 'shared'])
      },
    ],
    [
      'all of it is removed',
      async ({ openstack, read }) => {
        await read('server', 'delete', '--wait', 'web')
        assert.deepEqual(await openstack('server', 'list'), [])
        await read('router', 'remove', 'subnet', 'door', 'inside-v4')
        await read('router', 'delete', 'door')
        await read('subnet', 'delete', 'inside-v4')
        await read('network', 'delete', 'inside')
        await read('image', 'delete', 'disk', 'copy')
        await read('keypair', 'delete', 'mine')
        await read('flavor', 'delete', 'small', 'larger')
        assert.deepEqual(await openstack('port', 'list', '--device-owner', 'compute:nova'), [])
      },
    ],
  ],
})
