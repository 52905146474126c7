/** An application of the web standard, `{ fetch }`, as one of the contract: so that our hosts take it as well. */
import type { Response as Answer, Application, Request as Asked } from '../app/contract.ts'

export type FetchApplication = (request: Request) => Response | Promise<Response>

const bodiless = new Set(['GET', 'HEAD'])

export function fromFetch(fetch: FetchApplication): Application {
  return async function handle(asked): Promise<Answer> {
    const host = asked.headers.host
    const url = `${asked.scheme}://${typeof host === 'string' && host !== '' ? host : 'localhost'}${asked.scriptName}${asked.path}${asked.query === '' ? '' : `?${asked.query}`}`
    const body = bodiless.has(asked.method) ? {} : { body: bodyOf(asked), duplex: 'half' as const }
    const answer = await fetch(
      new Request(url, { method: asked.method, headers: pairs(asked.rawHeaders), signal: asked.signal ?? null, ...body } as RequestInit),
    )
    return { status: answer.status, headers: [...answer.headers], body: answer.body as AsyncIterable<Uint8Array> | null }
  }
}

function bodyOf(asked: Asked): ReadableStream {
  async function* chunks() {
    if (asked.chunks) yield* asked.chunks()
    else yield await asked.body()
  }
  return ReadableStream.from(chunks()) as unknown as ReadableStream
}

/** Those that belong to the connection are no business of an application, and the standard's class refuses some. */
const ofConnection = /^(connection|keep-alive|transfer-encoding|upgrade|expect|te|trailer)$/i

function pairs(raw: readonly string[]): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) if (!ofConnection.test(raw[i]!)) out.push([raw[i]!, raw[i + 1]!])
  return out
}
