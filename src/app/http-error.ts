/** Errors in the form of WebOb's exceptions: HTML, JSON or plain text, as the client likes it. For errors outside of the API proper. */
import { acceptable } from './accept.ts'
import { headerJoined, type Request, type Response, text } from './contract.ts'

export const escapeHtml = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#x27;')

/** An error such as `httpError(request, 413, 'Request Entity Too Large', '…')` (webob/exc.py WSGIHTTPException); `detail` follows the explanation. */
export function httpError(request: Request, status: number, title: string, explanation: string, detail = ''): Response {
  if (request.method === 'HEAD') return text(status, '', [['Content-Type', 'text/html; charset=UTF-8']])
  const line = `${status} ${title}`
  const [form] = acceptable(headerJoined(request, 'accept') ?? '', ['text/html', 'application/json'])
  if (form === 'text/html') return text(status, htmlPage(line, explanation, detail), [['Content-Type', 'text/html; charset=UTF-8']])
  if (form === 'application/json') return text(status, jsonText(line, title, explanation, detail), [['Content-Type', 'application/json']])
  return text(status, `${line}\n\n${explanation}\n\n ${detail}  `)
}

const htmlPage = (line: string, explanation: string, detail: string): string =>
  `<html>\n <head>\n  <title>${line}</title>\n </head>\n <body>\n  <h1>${line}</h1>\n  ${escapeHtml(explanation)}<br /><br />\n${escapeHtml(detail)}\n\n\n </body>\n</html>`

/** With a space after each colon and comma, as Python writes it. */
const jsonText = (line: string, title: string, explanation: string, detail: string): string =>
  `{"message": ${JSON.stringify(`${explanation}<br /><br />\n${detail}\n\n`)}, "code": ${JSON.stringify(line)}, "title": ${JSON.stringify(title)}}`
