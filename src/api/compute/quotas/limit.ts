/** What the operations on quotas share. */
import type { Microversion } from '../../spec/history.ts'
import { json } from '../../spec/shape.ts'

/** A limit; -1 is none. */
export const limit = json<number | string>({ type: ['integer', 'string'], pattern: '^-?[0-9]+$', minimum: -1, maximum: 0x7fffffff })

/** A limit of each resource: those of networks until `networksUntil`, files to inject until 2.56. */
export function limits(networksUntil: Microversion) {
  const network = limit.until(networksUntil)
  const file = limit.until('2.56')
  return {
    instances: limit,
    cores: limit,
    ram: limit,
    floating_ips: network,
    fixed_ips: network,
    metadata_items: limit,
    key_pairs: limit,
    security_groups: network,
    security_group_rules: network,
    injected_files: file,
    injected_file_content_bytes: file,
    injected_file_path_bytes: file,
    server_groups: limit,
    server_group_members: limit,
  }
}

const networks = ['fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules']
const files = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes']

interface Hiding {
  at(version: Microversion): boolean
}

/** The resources that are shown: those of networks go at `networksUntil`, files to inject at 2.57. */
export function shownBy<T extends object>({ at }: Hiding, networksGone: Microversion, values: T): Partial<T> {
  const hidden = [...(at(networksGone) ? networks : []), ...(at('2.57') ? files : [])]
  return Object.fromEntries(Object.entries(values).filter(([resource]) => !hidden.includes(resource))) as Partial<T>
}
