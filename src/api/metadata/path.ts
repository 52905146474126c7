/** Paths of the metadata service: guests build them carelessly, so Nova takes much for the same. */

/** The segments of an undecoded path; null for one that is not UTF-8. An empty path is not the root, which is `[]`. */
export function segmentsOf(raw: string): { readonly segments: readonly string[]; readonly isRoot: boolean } | null {
  const path = decoded(withoutDots(raw))
  if (path === null) return null
  const segments = normalized(path)
  return { segments, isRoot: segments.length === 0 && path !== '' }
}

/**
 * What uWSGI, which hosts most of Nova's services, makes of a path before Nova sees it: of `/a/..` the root, but of what climbs out of the root in the
 * end nothing at all.
 */
function withoutDots(raw: string): string {
  if (!raw.includes('/.')) return raw
  const out: string[] = []
  const segments = raw.split('/').slice(1)
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1
    if (segment !== '.' && segment !== '..') {
      out.push(segment)
      continue
    }
    if (segment === '..' && out.pop() === undefined && isLast) return ''
    if (isLast) out.push('')
  }
  return `/${out.join('/')}`
}

/** Python's posixpath.normpath, taken apart. */
function normalized(path: string): string[] {
  const out: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') out.pop()
    else if (segment !== '' && segment !== '.') out.push(segment)
  }
  return out
}

function decoded(path: string): string | null {
  if (!path.includes('%')) return path
  try {
    // A percent sign that begins no escape stands for itself in WSGI
    return decodeURIComponent(path.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))
  } catch {
    return null
  }
}
