/** Frames on the socket: two lengths (big endian, 32 bit), a JSON head, a body as it is. */

/** Largest body; a message above it is refused where it is sent. */
export const maxBodyBytes = 16 * 1024 * 1024
const maxHeadBytes = 1024 * 1024
const prefixBytes = 8
const empty = Buffer.alloc(0)

export function encodeFrame(head: object, body: Buffer = empty): Buffer {
  const text = JSON.stringify(head)
  const headBytes = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(prefixBytes + headBytes + body.length)
  frame.writeUInt32BE(headBytes, 0)
  frame.writeUInt32BE(body.length, 4)
  frame.write(text, prefixBytes)
  body.copy(frame, prefixBytes + headBytes)
  return frame
}

/**
 * Takes the chunks of a stream and gives whole frames; a body is valid until the callback returns. The function it returns throws when what comes
 * is no frame or above the bounds: the stream is then of no use any more.
 */
export function frameReader<H>(onFrame: (head: H, body: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let held = 0
  let needed = prefixBytes
  return function read(chunk) {
    chunks.push(chunk)
    held += chunk.length
    if (held < needed) return
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, held)
    let at = 0
    for (;;) {
      const left = bytes.length - at
      needed = left < prefixBytes ? prefixBytes : frameBytes(bytes, at)
      if (left < needed) break
      const body = at + prefixBytes + bytes.readUInt32BE(at)
      const head = JSON.parse(bytes.toString('utf8', at + prefixBytes, body)) as H
      at += needed
      onFrame(head, bytes.subarray(body, at))
    }
    chunks = at < bytes.length ? [bytes.subarray(at)] : []
    held = bytes.length - at
  }
}

function frameBytes(bytes: Buffer, at: number): number {
  const head = bytes.readUInt32BE(at)
  const body = bytes.readUInt32BE(at + 4)
  if (head > maxHeadBytes || body > maxBodyBytes) throw new Error(`a frame of ${head} + ${body} bytes is above the bounds`)
  return prefixBytes + head + body
}
