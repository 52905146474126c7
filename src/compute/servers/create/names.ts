/** What new servers are called. */

export interface ServerNames {
  readonly displayName: string
  readonly hostname: string
}

/** Servers made together get numbers. nova/compute/api.py API._populate_instance_names */
export function namesOf(
  { name, hostname }: { readonly name: string; readonly hostname: string | null },
  uuid: string,
  index: number,
  count: number,
): ServerNames {
  const displayName = count > 1 ? `${name}-${index + 1}` : name
  if (hostname) return { displayName, hostname }
  const plain = hostnameFrom(name)
  if (!plain) return { displayName, hostname: `Server-${uuid}` }
  // The number comes after the cut to 63 characters, as in Nova
  return { displayName, hostname: count > 1 ? `${plain}-${index + 1}` : plain }
}

/** A host name made of any name; empty when nothing of it can be used. nova/utils.py sanitize_hostname */
export function hostnameFrom(name: string): string {
  return [...name]
    .filter((char) => char <= '\u00ff')
    .slice(0, 63)
    .join('')
    .replace(/[ _.]/g, '-')
    .replace(/[^\p{L}\p{N}_.-]+/gu, '')
    .toLowerCase()
    .replace(/^[.-]+|[.-]+$/g, '')
}
