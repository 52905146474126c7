/** What the header OpenStack-API-Version asks of one service: `placement 1.30`, perhaps among other services. */
import { headerJoined, type Request } from '../app/contract.ts'

/** The version as it was written (`1.30`, `latest`), undefined when the service is not named; the last one counts (microversion_parse). */
export function askedVersion(request: Pick<Request, 'headers'>, service: string): string | undefined {
  const header = headerJoined(request, 'openstack-api-version')
  if (!header) return undefined
  const asked = header
    .split(',')
    .map((each) => each.trim().split(/\s+/))
    .findLast(([name, version]) => name?.toLowerCase() === service && version)
  return asked?.[1]
}
