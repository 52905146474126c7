/** The guests whose instance data are compared: made through the public APIs, the same ones on any cloud. */
import { setTimeout as delay } from 'node:timers/promises'
import { loginWith } from '../support/login.ts'

// biome-ignore lint/suspicious/noExplicitAny: an answer has the shape that the asker expects
type Body = any
type Variables = Readonly<Record<string, string | undefined>>

export interface Guest {
  readonly name: string
  readonly uuid: string
  readonly projectId: string
  /** What the proxy tells of the guest's address. */
  readonly address: string
  /** What a cloud gave, and the word that stands for it where clouds are compared. */
  readonly ids: readonly (readonly [id: string, word: string])[]
}

export interface Guests {
  readonly guests: readonly Guest[]
  /** Removes everything that was made. */
  remove(): Promise<void>
}

const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFsB0sVhHXbGmH0pEcWSyWVYUhoSS7fYaJ0Ll6bJqPqE guest@example.com'

const userData = `#cloud-config
hostname: chosen-by-the-user
write_files:
  - path: /etc/motd
    content: "Grüße, 世界\\n"
runcmd:
  - [sh, -c, 'echo "$HOME" > /tmp/home']
`

/** Two networks with all that network_data.json can tell of them: one with DHCP and IPv6, one with fixed addresses and no way out. */
const networks = [
  {
    name: 'ci-routed',
    mtu: 1442,
    mac: 'fa:16:3e:77:00:01',
    subnets: [
      {
        ip_version: 4,
        cidr: '10.77.0.0/24',
        gateway_ip: '10.77.0.1',
        dns_nameservers: ['10.77.0.2', '192.0.2.53'],
        host_routes: [{ destination: '198.51.100.0/24', nexthop: '10.77.0.9' }],
        enable_dhcp: true,
        address: '10.77.0.10',
      },
      {
        ip_version: 6,
        cidr: '2001:db8:77::/64',
        gateway_ip: '2001:db8:77::1',
        dns_nameservers: ['2001:db8:77::2'],
        ipv6_ra_mode: 'dhcpv6-stateful',
        ipv6_address_mode: 'dhcpv6-stateful',
        enable_dhcp: true,
        address: '2001:db8:77::10',
      },
    ],
  },
  {
    name: 'ci-closed',
    mtu: 1400,
    mac: 'fa:16:3e:77:00:02',
    subnets: [
      {
        ip_version: 4,
        cidr: '10.78.0.0/22',
        gateway_ip: null,
        dns_nameservers: [],
        host_routes: [],
        enable_dhcp: false,
        address: '10.78.1.20',
      },
    ],
  },
] as const

/** Makes them as the administrator of a cloud, and waits until they run. */
export async function makeGuests(variables: Variables): Promise<Guests> {
  const cloud = await enter(variables)
  const made: (() => Promise<unknown>)[] = []
  const create = async (service: Service, path: string, body: object, removal = (found: Body) => `${path}/${found.id}`) => {
    const found = only(await cloud.ask('POST', service, path, body))
    made.push(() => cloud.ask('DELETE', service, removal(found)))
    return found
  }
  const remove = async () => {
    for (const undo of made.splice(0).reverse()) await undo().catch((error: Error) => process.stderr.write(`${error.message}\n`))
  }
  try {
    const image = await create('image', '/images', { name: 'ci-image', disk_format: 'raw', container_format: 'bare', min_disk: 1 })
    await cloud.upload(`/images/${image.id}/file`, 'nothing boots from this')
    const flavor = await create('compute', '/flavors', {
      flavor: { name: 'ci.flavor', ram: 128, vcpus: 2, disk: 1, 'OS-FLV-EXT-DATA:ephemeral': 1, swap: 64 },
    })
    await create('compute', '/os-keypairs', { keypair: { name: 'ci-key', public_key: publicKey } }, () => '/os-keypairs/ci-key')
    const groups = []
    for (const name of ['ci-web', 'ci-mail'])
      groups.push(await create('network', '/security-groups', { security_group: { name, description: name } }))
    const ports: Body[] = []
    const ids: [string, string][] = [
      [image.id, 'IMAGE'],
      [cloud.projectId, 'PROJECT'],
    ]
    for (const [at, { name, mtu, mac, subnets }] of networks.entries()) {
      const network = await create('network', '/networks', { network: { name, mtu, port_security_enabled: true } })
      const fixed = []
      for (const { address, ...subnet } of subnets) {
        const { id } = await create('network', '/subnets', { subnet: { network_id: network.id, ...subnet } })
        fixed.push({ subnet_id: id, ip_address: address })
      }
      const port = { network_id: network.id, mac_address: mac, fixed_ips: fixed, security_groups: groups.map(({ id }) => id) }
      ports.push(await create('network', '/ports', { port }))
      ids.push([network.id, `NETWORK-${at + 1}`], [ports[at].id, `PORT-${at + 1}`], [ports[at].id.slice(0, 11), `PORT-${at + 1}`])
    }
    const common = { imageRef: image.id, flavorRef: flavor.id, config_drive: false }
    const bodies = [
      {
        name: "The Guest's Name",
        ...common,
        key_name: 'ci-key',
        metadata: { role: 'web', 'with spaces:1': 'ünïcode ☃ \\ "quoted"', empty: '' },
        user_data: Buffer.from(userData).toString('base64'),
        networks: ports.map(({ id }) => ({ port: id })),
        security_groups: groups.map(({ name }) => ({ name })),
        personality: [{ path: '/etc/banner', contents: Buffer.from('hello\n').toString('base64') }],
      },
      // No key, no user data, no metadata, no network
      { name: 'bare', ...common, networks: 'none' },
    ]
    const guests: Guest[] = []
    for (const body of bodies) {
      const server = only(await cloud.ask('POST', 'compute', '/servers', { server: body }))
      made.push(() => removeServer(cloud, server.id))
      await active(cloud, server.id)
      const name = body.name === 'bare' ? 'bare' : 'full'
      guests.push({ name, uuid: server.id, projectId: cloud.projectId, address: '10.77.0.10', ids: [[server.id, 'SERVER'], ...ids] })
    }
    return { guests, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

type Service = 'compute' | 'image' | 'network'

interface Cloud {
  readonly projectId: string
  ask(method: string, service: Service, path: string, body?: object): Promise<Body>
  upload(path: string, content: string): Promise<void>
}

const only = (body: Body): Body => ('id' in body ? body : Object.values(body)[0])

async function enter(variables: Variables): Promise<Cloud> {
  const { token, projectId, urls: found } = await loginWith(variables)
  const urls: Record<Service, string> = { compute: found.compute!, image: `${found.image}/v2`, network: `${found.network}/v2.0` }
  async function send(method: string, service: Service, path: string, body: string | undefined, type: string): Promise<Body> {
    // The last version that knows files, and a network of `none`
    const headers = {
      'x-auth-token': token,
      'openstack-api-version': 'compute 2.56',
      'content-type': type,
    }
    const reply = await fetch(urls[service] + path, {
      method,
      headers,
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(60_000),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }
  return {
    projectId,
    ask: (method, service, path, body) => send(method, service, path, body && JSON.stringify(body), 'application/json'),
    upload: (path, content) => send('PUT', 'image', path, content, 'application/octet-stream'),
  }
}

async function active(cloud: Cloud, id: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const { server } = await cloud.ask('GET', 'compute', `/servers/${id}`)
    if (server.status === 'ACTIVE') return
    if (server.status === 'ERROR') throw new Error(`the guest failed: ${JSON.stringify(server.fault)}`)
    await delay(200)
  }
  throw new Error('the guest did not become active within a minute')
}

async function removeServer(cloud: Cloud, id: string): Promise<void> {
  await cloud.ask('DELETE', 'compute', `/servers/${id}`)
  for (let tries = 0; tries < 150; tries++) {
    const gone = await cloud.ask('GET', 'compute', `/servers/${id}`).then(
      () => false,
      (error: Error) => error.message.includes(': 404 '),
    )
    if (gone) return
    await delay(200)
  }
}
