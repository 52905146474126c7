/** What the operator adds to what guests are told: a file, and services that are asked about each server. */
import { readFile } from 'node:fs/promises'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import type { MetadataBackends } from './backends.ts'
import type { Guest } from './guest.ts'

type Backends = Pick<MetadataBackends, 'settings' | 'vendordata' | 'log'>

/** The parsed file; an empty object when none is set. Rejects when it cannot be read or is not JSON (nova/api/metadata/vendordata_json.py). */
export async function staticVendorData({ settings, log }: Backends): Promise<unknown> {
  const path = settings.api.vendordataJsonfilePath
  if (!path) return {}
  const prefix = `vendordata_jsonfile_path[${path}]:`
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') log.warning(`${prefix} file does not exist`)
    else log.warning(`${prefix} ${error instanceof SyntaxError ? 'failed to load json' : `unexpected ${code} when reading`}`)
    throw error
  }
}

/** By the names of the targets. One that fails is an empty object, or, when failures are fatal, a rejection (nova/api/metadata/vendordata_dynamic.py). */
async function dynamicVendorData(backends: Backends, guest: Guest): Promise<Record<string, unknown>> {
  const targets = namedTargets(backends, guest)
  const facts = {
    'project-id': guest.projectId,
    'instance-id': guest.uuid,
    'image-id': guest.imageRef,
    'user-data': guest.userData,
    hostname: guest.hostname,
    metadata: guest.metadata,
    'boot-roles': guest.systemMetadata.boot_roles ?? '',
  }
  // Side by side, where Nova waits for one after the other
  const answers = await Promise.all(
    [...targets].map(async ([name, url]) => [name, await answerOf(backends, guest, name, url, facts)] as const),
  )
  return Object.fromEntries(answers)
}

function namedTargets({ settings, log }: Backends, { uuid }: Guest): Map<string, string> {
  const out = new Map<string, string>()
  for (const target of settings.api.vendordataDynamicTargets) {
    const at = target.indexOf('@')
    const name = target.slice(0, at)
    if (at === -1) log.warning(`Vendordata target ${target} lacks a name. Skipping`, { instance: uuid })
    else if (out.has(name)) log.warning(`Vendordata already contains an entry named ${name}. Skipping`, { instance: uuid })
    else out.set(name, target.slice(at + 1))
  }
  return out
}

async function answerOf(
  { settings, vendordata, log }: Backends,
  { uuid }: Guest,
  name: string,
  url: string,
  facts: object,
): Promise<unknown> {
  try {
    return await vendordata.ask(url, facts)
  } catch (error) {
    log.warning(`Error from dynamic vendordata service ${name}: ${reasonOf(error)}`, { instance: uuid })
    if (settings.api.vendordataDynamicFailureFatal || !(error instanceof PeerError || error instanceof TypeError)) throw error
    return {}
  }
}

/** Without the address, which may hold a password. */
const reasonOf = (error: unknown): string =>
  error instanceof PeerError ? (error.kind === 'status' ? `it answered ${error.status}` : error.kind) : (error as Error).name

/** All of it under the names of the providers and targets; a name that is taken is left out. vendor_data2.json */
export async function allVendorData(backends: Backends, guest: Guest): Promise<Record<string, unknown>> {
  const out: Record<string, unknown> = {}
  for (const provider of backends.settings.api.vendordataProviders) {
    if (provider === 'StaticJSON') {
      out.static = await staticVendorData(backends)
      continue
    }
    for (const [name, value] of Object.entries(await dynamicVendorData(backends, guest))) {
      if (name in out) backends.log.warning(`Removing duplicate metadata key: ${name}`, { instance: guest.uuid })
      else out[name] = value
    }
  }
  return out
}
