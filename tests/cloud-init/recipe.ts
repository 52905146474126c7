/** Runs cloud-init for a guest and brings what it found into a form in which clouds can be compared. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../support/cloud.ts'
import { startAgent } from './agent.ts'
import type { Guest } from './guests.ts'

export const sources = ['OpenStack', 'Ec2'] as const

export interface CloudInit {
  /** The program and arguments that run read.py with cloud-init at hand. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface Metadata {
  readonly url: string
  readonly secret: string
}

export interface Read {
  /** Of cloud-init, without a distribution's additions. */
  readonly version: string
  /** What it found, ids and times aside, and `asked`: the requests that it sent. */
  readonly found: Readonly<Record<string, unknown>>
}

/** Rejects when cloud-init itself fails. */
export async function readAs(guest: Guest, source: string, metadata: Metadata, { command, env }: CloudInit, folder: string): Promise<Read> {
  const agent = await startAgent(metadata.url, metadata.secret, guest)
  try {
    mkdirSync(folder, { recursive: true })
    const place = join(folder, `${guest.name}-${source}`)
    const [program, ...first] = command
    const { code, out, err } = await run(program!, [...first, source, agent.url, place, guest.uuid], { env: { ...process.env, ...env } })
    if (code !== 0) throw new Error(`cloud-init ended with ${code}: ${err.slice(-2000)}`)
    const { version, ...found } = JSON.parse(out)
    const ids = [...guest.ids, [agent.url, 'METADATA'] as const]
    return { version: /^\d+(\.\d+)*/.exec(version)![0], found: normalised({ ...found, asked: agent.asked }, ids) as Read['found'] }
  } finally {
    agent.close()
  }
}

/** What differs from server to server and cloud to cloud: the ids told, EC2's ids, and the random seed. */
function normalised(value: unknown, ids: readonly (readonly [string, string])[]): unknown {
  if (Array.isArray(value)) return value.map((one) => normalised(one, ids))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, (inKey[key] ?? normalised)(one, ids)]))
  if (typeof value !== 'string') return value
  let text = value
  for (const [id, word] of ids) text = text.replaceAll(id, word)
  return text.replace(/\b(i|ami|aki|ari)-[0-9a-f]{8}\b/g, '$1-ID').replace(/\br-[0-9a-z]{8}\b/g, 'r-ID')
}

const inKey: Readonly<Record<string, (value: unknown, ids: readonly (readonly [string, string])[]) => unknown>> = {
  random_seed: (seed) => (typeof seed === 'string' ? `${seed.length} characters` : typeof seed),
  // In the order of Neutron's database
  'security-groups': (names) => (Array.isArray(names) ? [...names].sort() : names),
}
