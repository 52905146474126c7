/** Which microversion of block storage a request asks for: 3.0 to 3.71, told by the second number. */
import type { Request } from '../../app/contract.ts'
import { askedVersion } from '../microversion.ts'
import { badRequest, fault } from './faults.ts'

/** cinder/api/openstack/api_version_request.py */
export const newestMinor = 71

/** 400 for what is no version, 406 for one that is not served; 3.0 when none is asked for. */
export function minorOf(request: Pick<Request, 'headers'>): number {
  const asked = askedVersion(request, 'volume') ?? '3.0'
  if (asked === 'latest') return newestMinor
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(asked) ?? []
  if (major === undefined) throw badRequest(`API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`)
  if (major !== '3' || Number(minor) > newestMinor)
    throw fault(406, `Version ${asked} is not supported by the API. Minimum is 3.0 and maximum is 3.${newestMinor}.`)
  return Number(minor)
}
