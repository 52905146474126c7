/** What Nova remembers of the image that a server was made from. */
import { isStandardProperty } from '../../stores/objects/image-meta-props.ts'

const prefix = 'image_'

const known = new WeakMap<object, Readonly<Record<string, string>>>()

/** The image's properties that Nova knows, by the names they had (nova/api/openstack/compute/views/servers.py _get_image). */
export function imageProperties(systemMetadata: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  // System metadata is parsed once per text and shared by servers of one image
  let found = known.get(systemMetadata)
  if (!found) known.set(systemMetadata, (found = collect(systemMetadata)))
  return found
}

function collect(systemMetadata: Readonly<Record<string, string | null>>): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [key, value] of Object.entries(systemMetadata)) {
    const name = key.slice(prefix.length)
    if (key.startsWith(prefix) && value !== null && isStandardProperty(name)) out[name] = value
  }
  return out
}
