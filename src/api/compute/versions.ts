/** The version documents: what this endpoint speaks, asked before anybody has logged in. */
import { type Application, applicationUrl, type Request, type Response } from '../../app/contract.ts'
import { Fault } from '../../compute/faults.ts'
import { bodyOf, parsed } from '../serve/body.ts'
import { faultResponse, statusOf } from '../serve/faults.ts'
import { prefixed, urlJoin } from '../serve/links.ts'
import { type Asked, askedVersion, refuseUnserved, versionHeaders } from '../serve/microversion.ts'
import { parseQuery } from '../serve/query.ts'
import { newest, oldest } from '../spec/history.ts'
import { op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'

interface Version {
  readonly id: string
  readonly status: string
  readonly version: string
  readonly min_version: string
  readonly updated: string
  readonly mediaType: string
}

const versions: readonly Version[] = [
  {
    id: 'v2.0',
    status: 'DEPRECATED',
    version: '',
    min_version: '',
    updated: '2025-07-04T12:00:00Z',
    mediaType: 'application/vnd.openstack.compute+json;version=2',
  },
  {
    id: 'v2.1',
    status: 'CURRENT',
    version: `2.${newest}`,
    min_version: `2.${oldest}`,
    updated: '2013-07-23T11:33:21Z',
    mediaType: 'application/vnd.openstack.compute+json;version=2.1',
  },
]

const mediaTypes = ({ mediaType }: Version) => [{ base: 'application/json', type: mediaType }]
const pathOf = ({ id }: Version) => (id === 'v2.1' ? 'v2.1' : 'v2')

/** `prefix` is [api] compute_link_prefix. */
interface Linking {
  readonly prefix: string | null
}

/** What stands at the root: all versions, or, for any other path, where it might be found (nova/api/openstack/compute/versions.py Versions). */
export const versionsRoot =
  ({ prefix }: Linking): Application =>
  async (request) =>
    refusing(undefined, async () => {
      await accepted(request)
      const base = prefixed(applicationUrl(request), prefix)
      const self = (version: Version, path: string) => [{ rel: 'self', href: urlJoin(base, pathOf(version), path) }]
      if (request.path === '/' || request.path === '') {
        const shown = versions.map(({ mediaType, ...version }) => ({ ...version, links: self({ mediaType, ...version }, '') }))
        return answer(request, 200, { versions: shown })
      }
      const path = `${request.scriptName}${request.path}`
      const choices = versions.map((version) => ({
        id: version.id,
        status: version.status,
        links: self(version, path),
        'media-types': mediaTypes(version),
      }))
      return answer(request, 300, { choices })
    })

/** The document of one version, at /v2.1/ and /v2/. */
export const versionDocument =
  ({ prefix }: Linking): Application =>
  async (request) => {
    let asked: Asked | undefined
    return refusing(
      () => (request.environ.legacyV2 ? undefined : asked?.text),
      async () => {
        asked = askedVersion(request)
        refuseUnserved(asked)
        await accepted(request)
        return answer(request, 200, {
          version: shownVersion(request.environ.legacyV2 ? 'v2.0' : 'v2.1', prefixed(applicationUrl(request), prefix)),
        })
      },
    )
  }

const whole = op({
  query: p.anyParameters,
  reply: plain(),
  run: ({ request, legacy, backends }) => {
    const base = prefixed(applicationUrl(request), backends.settings.api.computeLinkPrefix)
    return { version: shownVersion(legacy ? 'v2.0' : 'v2.1', base) }
  },
})

/** The root behind a project id, and /versions/:id. */
export const versionResource = resource({
  'GET /': whole,
  'GET /versions/:id': op({
    query: p.anyParameters,
    errors: [404],
    reply: plain(),
    run: ({ params, request, legacy, backends }) => {
      const base = prefixed(applicationUrl(request), backends.settings.api.computeLinkPrefix)
      return { version: shownVersion(legacy ? 'v2.0' : params.id!, base) }
    },
  }),
})

function shownVersion(id: string, base: string) {
  const found = versions.find((version) => version.id === id)
  if (!found) throw new Fault('notFound')
  const { mediaType, ...version } = found
  const links = [
    { rel: 'self', href: `${base.replace(/\/+$/, '')}/` },
    { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
  ]
  return { ...version, links, 'media-types': mediaTypes(found) }
}

/** What any resource of Nova refuses before it looks at the request. */
async function accepted(request: Request): Promise<void> {
  parsed(request, await bodyOf(request))
  parseQuery(request.query)
}

const answer = (request: Request, status: number, body: unknown): Response => ({
  status,
  headers: [['Content-Type', request.environ.bestContentType ?? 'application/json']],
  body: JSON.stringify(body),
})

async function refusing(version: (() => string | undefined) | undefined, work: () => Promise<Response>): Promise<Response> {
  let response: Response
  try {
    response = await work()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    response = faultResponse({ status: statusOf(error.kind), message: error.message })
  }
  const text = version?.()
  if (text !== undefined) response.headers.push(...versionHeaders(text))
  return response
}
