/** Which microversion of placement a request asks for: 1.0 to 1.39, told by the second number. */
import type { Request } from '../../app/contract.ts'
import { askedVersion } from '../microversion.ts'
import { badRequest, UnservedVersion } from './faults.ts'

/** placement/microversion.py VERSIONS */
export const newestMinor = 39

/** 400 for what is no version, 406 for one that is not served; 1.0 when none is asked for. */
export function minorOf(request: Pick<Request, 'headers'>): number {
  const asked = askedVersion(request, 'placement') ?? '1.0'
  if (asked === 'latest') return newestMinor
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(asked) ?? []
  if (major === undefined) throw badRequest(`Invalid microversion: invalid version string: ${asked}`)
  if (major !== '1' || Number(minor) > newestMinor) throw new UnservedVersion(asked, `1.${newestMinor}`, '1.0')
  return Number(minor)
}
