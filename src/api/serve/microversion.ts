/** Which microversion a request asks for (microversion_parse and nova/api/openstack/wsgi.py Request.set_api_version_request). */
import { headerJoined, type Request } from '../../app/contract.ts'
import { Fault } from '../../compute/faults.ts'
import { type Minor, newest, oldest } from '../spec/history.ts'

/** A version that was understood: served or not, the answer names it. */
export interface Asked {
  readonly text: string
  readonly minor: Minor
  readonly served: boolean
}

/** Throws a `Fault` when the header holds no version number at all. */
export function askedVersion(request: Request): Asked {
  const text = versionText(request)
  if (text === undefined) return { text: `2.${oldest}`, minor: oldest, served: true }
  if (text === 'latest') return { text: `2.${newest}`, minor: newest, served: true }
  const found = /^([1-9]\d*)\.([1-9]\d*|0)(?=\n?$)/.exec(text)
  if (!found) throw new Fault('badVersionString', text)
  const minor = Number(found[2])
  return { text: `${found[1]}.${found[2]}`, minor, served: found[1] === '2' && minor >= oldest && minor <= newest }
}

function versionText(request: Request): string | undefined {
  const standard = headerJoined(request, 'openstack-api-version')
  for (const value of standard?.split(',').reverse() ?? []) {
    const found = /^(\S+)\s+(.*)$/s.exec(value.trim())
    if (found && found[1]!.toLowerCase() === 'compute' && found[2]) return found[2].trim()
  }
  return headerJoined(request, 'x-openstack-nova-api-version')?.split(',').at(-1)?.trim()
}

/** Throws when the version is none that this endpoint serves. */
export function refuseUnserved({ served, text }: Asked): void {
  if (!served) throw new Fault('versionNotServed', text, `2.${oldest}`, `2.${newest}`)
}

/** What every answer that knows its version says of it. */
export const versionHeaders = (version: string): [string, string][] => [
  ['OpenStack-API-Version', `compute ${version}`],
  ['X-OpenStack-Nova-API-Version', version],
  ['Vary', 'OpenStack-API-Version'],
  ['Vary', 'X-OpenStack-Nova-API-Version'],
]
