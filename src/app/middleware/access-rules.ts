/** Application credentials that may do only some requests (keystonemiddleware/auth_token validate_allowed_request). */
import type { Access } from '../../oslo/keystoneauth/access.ts'
import type { Request } from '../contract.ts'

/** Why a token may not do a request, or undefined when it may. `serviceType` is ours in the catalogue. */
export function forbiddenByRules(
  { accessRules, catalog }: Access,
  { method, scriptName, path }: Pick<Request, 'method' | 'scriptName' | 'path'>,
  { serviceType, hasServiceToken }: { serviceType: string | null; hasServiceToken: boolean },
): string | undefined {
  if (accessRules === null) return undefined
  if (!serviceType) return 'it has access rules, which cannot be checked without service_type in [keystone_authtoken]'
  if (!catalog?.some(({ type }) => type === serviceType)) return `it has access rules and no ${serviceType} service in its catalogue`
  // A service that asks on a user's behalf does requests that the user's rules need not name.
  if (hasServiceToken) return undefined
  const asked = scriptName + path
  const allowed = accessRules.some((rule) => rule.service === serviceType && rule.method === method && pathMatches(asked, rule.path))
  return allowed ? undefined : 'none of its access rules allows the request'
}

/** `*` and `{name}` stand for one segment, `**` for any number. */
export function pathMatches(path: string, pattern: string): boolean {
  const source = pattern.replace(/\{[^}]*\}|\*\*|\*|[^{*]+|\{/g, (part) => {
    if (part === '**') return '.*'
    return part === '*' || (part.startsWith('{') && part.endsWith('}')) ? '[^/]+' : part.replace(/[.+?^$()|[\]\\{}]/g, '\\$&')
  })
  return new RegExp(`^${source}$`).test(path)
}
