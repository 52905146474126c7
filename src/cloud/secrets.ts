/** The passwords of a cloud, made once and kept where only its owner can read them. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Layout, parsed, StateError, writeWhole } from './state.ts'

/** People who log in, then the services. */
export const people = ['admin', 'demo', 'demo_manager', 'demo_reader', 'alt_demo'] as const
export const serviceUsers = ['nova', 'neutron', 'glance', 'placement', 'cinder'] as const

export type UserName = (typeof people)[number] | (typeof serviceUsers)[number]

export interface Secrets {
  readonly passwords: Readonly<Record<UserName, string>>
  /** With it Neutron's metadata proxy signs: `[neutron] metadata_proxy_shared_secret`. */
  readonly metadataSecret: string
}

/** Undefined before the first start. */
export function readSecrets({ secrets }: Pick<Layout, 'secrets'>): Secrets | undefined {
  let text: string
  try {
    text = readFileSync(secrets, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const found = parsed(text) as Secrets | undefined
  // new ones would be others than those that the identity service has
  if (!found) throw new StateError(`${secrets} is damaged: put back a copy of it, or begin anew with nova-ts cloud reset`)
  return found
}

/** Those that are there, or new ones. `password`: what people log in with, instead of one made up for each; it counts at the first start only. */
export function ensureSecrets(layout: Pick<Layout, 'secrets'>, { password }: { password?: string | undefined } = {}): Secrets {
  const found = readSecrets(layout)
  if (found) return found
  const passwords = Object.fromEntries([
    ...people.map((name) => [name, password ?? random()]),
    ...serviceUsers.map((name) => [name, random()]),
  ]) as Record<UserName, string>
  const made: Secrets = { passwords, metadataSecret: random() }
  writeWhole(layout.secrets, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, durable: true })
  return made
}

const random = (): string => randomBytes(18).toString('base64url')
