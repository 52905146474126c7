/** A small server in front of the uwsgi protocol, as nginx and Apache are: so that the cases reach it without either. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { writePacket } from '../../src/hosts/uwsgi-packet.ts'

export async function uwsgiFront(socketPath: string, scriptName = ''): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, answer) => forward(request, answer, socketPath, scriptName).catch(() => answer.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function variablesOf(request: IncomingMessage, length: number, scriptName: string): Record<string, string> {
  const [path = '/', query = ''] = request.url!.split(/\?(.*)/s)
  const variables: Record<string, string> = {
    REQUEST_METHOD: request.method!,
    REQUEST_URI: request.url!,
    SCRIPT_NAME: scriptName,
    PATH_INFO: unescaped(path.slice(scriptName.length)),
    QUERY_STRING: query,
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    REMOTE_ADDR: request.socket.remoteAddress!,
    CONTENT_LENGTH: String(length),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
  }
  for (const [name, value] of Object.entries(request.headers))
    if (name !== 'content-length' && name !== 'content-type' && name !== 'transfer-encoding')
      variables[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = String(value)
  return variables
}

/** As bytes in Latin-1, which is how the protocol has them. */
const unescaped = (path: string) => path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

async function forward(request: IncomingMessage, answer: ServerResponse, socketPath: string, scriptName: string): Promise<void> {
  const upstream = net.connect(socketPath)
  upstream.on('error', () => answer.destroy())
  answer.on('close', () => upstream.destroy())
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    return void upstream.destroy()
  }
  const body = Buffer.concat(chunks)
  upstream.write(writePacket(variablesOf(request, body.length, scriptName)))
  upstream.write(body)
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of upstream) {
    let rest = chunk as Buffer
    if (head) {
      head = Buffer.concat([head, rest])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) continue
      const [first = '', ...lines] = head.toString('latin1', 0, end).split('\r\n')
      rest = head.subarray(end + 4)
      head = undefined
      answer.writeHead(
        Number(first.split(' ')[1]),
        lines.flatMap((line) => line.split(/: (.*)/s).slice(0, 2)),
      )
    }
    if (rest.length > 0 && !answer.write(rest)) await drained(answer)
  }
  answer.end()
}

function drained(answer: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      answer.off('drain', over).off('close', over)
      resolve()
    }
    answer.on('drain', over).on('close', over)
  })
}
