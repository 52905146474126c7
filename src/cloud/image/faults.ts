/** The errors of the image service in the forms of WebOb, which Glance leaves them to: HTML, or JSON or text for who accepts no HTML. */
import { STATUS_CODES } from 'node:http'
import { header, type Request } from '../../app/contract.ts'
import { type Reply, reply, ServiceError } from '../service.ts'

/** The message stands in place of WebOb's own sentence. */
export const refuse = (status: number, message: string): ServiceError => new ServiceError(status, message)
/** The message stands below WebOb's own sentence. */
export const refuseWithDetail = (status: number, detail: string, headers: [string, string][] = []): ServiceError =>
  new ServiceError(status, detail, 'detail', headers)

export const noImage = (id: string): ServiceError => refuse(404, `No image found with ID ${id}`)
export const notAllowed = (action: string): ServiceError => refuse(403, `You are not authorized to complete ${action} action.`)
export const badRequest = (message: string): ServiceError => refuse(400, message)
export const notBuilt = (what: string): ServiceError => refuse(501, `This image service has no ${what}.`)

/** WebOb's names where they are not node's. */
const titles: Readonly<Record<number, string>> = { 413: 'Request Entity Too Large', 416: 'Request Range Not Satisfiable' }

const sentences: Readonly<Record<number, string>> = {
  401: 'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.',
  403: 'Access was denied to this resource.',
  409: 'There was a conflict when trying to complete your request.',
  416: 'The Range requested is not available.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
}

/** The answer to an error; `challenge` is the value of WWW-Authenticate. */
export function fault(error: ServiceError, request: Request, challenge: string): Reply {
  const { status } = error
  const title = titles[status] ?? STATUS_CODES[status] ?? ''
  const [sentence, detail] = said(error, request)
  const headers: [string, string][] = [...error.headers, ...(status === 401 ? [['WWW-Authenticate', challenge] as [string, string]] : [])]
  const accept = header(request, 'accept') ?? ''
  if (accept.includes('html') || accept.includes('*/*')) {
    const body = `<html>\n <head>\n  <title>${status} ${title}</title>\n </head>\n <body>\n  <h1>${status} ${title}</h1>\n  ${laidOut(status, escaped(sentence), escaped(detail))}\n </body>\n</html>`
    return reply(status, Buffer.from(body), [['Content-Type', 'text/html; charset=UTF-8'], ...headers])
  }
  if (accept.includes('application/json'))
    return reply(status, { message: laidOut(status, sentence, detail), code: `${status} ${title}`, title }, headers)
  const text = `${status} ${title}\n\n${sentence}\n\n${detail}\n`
  return reply(status, Buffer.from(text), [['Content-Type', 'text/plain; charset=UTF-8'], ...headers])
}

/** The sentence and what stands below it. */
function said({ status, message, type }: ServiceError, request: Request): [sentence: string, detail: string] {
  const content = header(request, 'content-type') ?? ''
  if (status === 415) return [`The request media type ${content} is not supported by this server.`, message]
  if (status === 405) return [`The method ${request.method} is not allowed for this resource.`, '']
  if (type === 'detail') return [sentences[status] ?? '', message]
  return [status === 401 || status === 500 ? sentences[status]! : message, '']
}

const laidOut = (status: number, sentence: string, detail: string): string =>
  status === 415 ? `${sentence}\n<br /><br />\n${detail}` : `${sentence}<br /><br />\n${detail}\n\n`

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' }
const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => entities[letter]!)
