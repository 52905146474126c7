/**
 * How much memory do the processes of a cloud take, at rest and under load? `node bench/memory.ts [requests]`: a new cloud, then lists of all kinds by
 * eight clients at once. Resident memory holds the program itself, some 50 MB that all processes share; `own` is without it.
 */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { connect } from '../tests/journeys/client.ts'
import { startCloud } from '../tests/support/cloud.ts'

const wanted = Number(process.argv[2] ?? 6000)
const clients = 8
const paths = ['/flavors/detail', '/servers/detail', '/servers', '/os-keypairs', '/limits', '/os-services']

const cloud = await startCloud(() => {})
try {
  const client = await connect(await cloud.variables())
  const { body } = await client.insist('GET', 'image', '/v2/images')
  const server = { name: 'box', imageRef: body.images[0].id, flavorRef: '42', networks: 'none' }
  for (let made = 0; made < 10; made++) await client.insist('POST', 'compute', '/servers', { server })
  const rest = await sizes()
  const begin = performance.now()
  await load(client.url('compute'), client.token)
  const seconds = (performance.now() - begin) / 1000
  const busy = await sizes()
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`
  process.stdout.write(`${machine}, load ${loadavg()[0]!.toFixed(1)}; ${wanted} requests in ${seconds.toFixed(1)} s\n\n`)
  process.stdout.write(
    `${'process'.padEnd(14)}${'at rest'.padStart(9)}${'afterwards'.padStart(12)}${'most'.padStart(8)}${'own'.padStart(8)}   MB\n`,
  )
  for (const [name, { rss, most, own }] of busy)
    process.stdout.write(
      `${name.padEnd(14)}${String(rest.get(name)?.rss).padStart(9)}${String(rss).padStart(12)}${String(most).padStart(8)}${String(own).padStart(8)}\n`,
    )
} finally {
  await cloud.reset()
}

async function sizes(): Promise<Map<string, { rss: number; most: number; own: number }>> {
  const { supervisor, processes } = await cloud.processes()
  const all = [{ name: 'supervisor', pid: supervisor }, ...processes]
  return new Map(
    all.map(({ name, pid }) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const megabytes = (field: string) => Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
      return [name, { rss: megabytes('VmRSS'), most: megabytes('VmHWM'), own: megabytes('RssAnon') }]
    }),
  )
}

async function load(base: string, token: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const headers = { 'x-auth-token': token, 'openstack-api-version': 'compute 2.96' }
  let sent = 0
  const one = (url: string) =>
    new Promise<void>((resolve, reject) => {
      const asked = request(url, { agent, headers }, (answer) => answer.on('end', resolve).resume())
      asked.on('error', reject).end()
    })
  const person = async () => {
    while (sent < wanted) await one(base + paths[sent++ % paths.length])
  }
  await Promise.all(Array.from({ length: clients }, person))
  agent.destroy()
}
