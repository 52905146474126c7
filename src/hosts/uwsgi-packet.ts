/**
 * The request packet of the uwsgi protocol, which Apache's mod_proxy_uwsgi and nginx's uwsgi_pass speak: four bytes (modifier, size in two
 * bytes, modifier), then names and values, each behind its length. The body of the request follows it.
 */

/** What a packet says: WSGI's names (REQUEST_METHOD, HTTP_HOST, …). */
export type Variables = Readonly<Record<string, string>>

export interface Packet {
  /** 0 for a request; 100 asks whether the server is there. */
  readonly modifier: number
  readonly variables: Variables
  /** Names and values with everything, in bytes. */
  readonly size: number
}

export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket'
}

const headBytes = 4
/** Asks whether the server is there. */
export const pingModifier = 100
const requestModifier = 0

/** The packet at the start of what came so far, and what follows it; undefined when more has to come. Throws `MalformedPacket`. */
export function readPacket(bytes: Buffer): { packet: Packet; rest: Buffer } | undefined {
  if (bytes.length < headBytes) return undefined
  const modifier = bytes[0]!
  if (modifier !== requestModifier && modifier !== pingModifier)
    throw new MalformedPacket(`the first byte is ${modifier}: this is no uwsgi request`)
  const size = bytes.readUInt16LE(1)
  const end = headBytes + size
  if (bytes.length < end) return undefined
  return { packet: { modifier, size, variables: readVariables(bytes.subarray(headBytes, end)) }, rest: bytes.subarray(end) }
}

/** Values are Latin-1, as WSGI has them: bytes that mean what they say. A header that comes twice (nginx) is joined, as HTTP allows. */
function readVariables(bytes: Buffer): Variables {
  const variables: Record<string, string> = Object.create(null)
  let at = 0
  const take = (): string => {
    if (at + 2 > bytes.length) throw new MalformedPacket('a length is cut off')
    const length = bytes.readUInt16LE(at)
    const end = at + 2 + length
    if (end > bytes.length) throw new MalformedPacket('a name or value is longer than the packet')
    const text = bytes.toString('latin1', at + 2, end)
    at = end
    return text
  }
  while (at < bytes.length) {
    const name = take()
    const value = take()
    const before = variables[name]
    variables[name] = before !== undefined && name.startsWith('HTTP_') && name !== 'HTTP_HOST' ? `${before},${value}` : value
  }
  return variables
}

/** The packet of a request, for clients. Throws `MalformedPacket` when it would be too large for the protocol. */
export function writePacket(variables: Variables): Buffer {
  const parts = Object.entries(variables).flatMap(([name, value]) => [counted(name), counted(value)])
  const body = Buffer.concat(parts)
  if (body.length > 0xffff) throw new MalformedPacket('a packet holds 65535 bytes at most')
  const head = Buffer.alloc(headBytes)
  head.writeUInt16LE(body.length, 1)
  return Buffer.concat([head, body])
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length > 0xffff) throw new MalformedPacket('a value holds 65535 bytes at most')
  const length = Buffer.alloc(2)
  length.writeUInt16LE(bytes.length)
  return Buffer.concat([length, bytes])
}
