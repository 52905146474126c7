/** The body of a request that follows a uwsgi packet on its connection: so many bytes as were declared, or all until the client has no more. */
import type { Socket } from 'node:net'
import { BodyTooLarge } from '../app/contract.ts'
import type { UwsgiBody } from './uwsgi-request.ts'

/**
 * `first` is what came together with the packet. `length` is null where nobody knows: the body then ends where the other side ends its half of the connection.
 * Bytes behind a declared length are dropped. Who sends nothing for `idleMs` is cut off.
 */
export function uwsgiBody(socket: Socket, first: Buffer, { length, idleMs }: { length: number | null; idleMs: number }): UwsgiBody {
  async function* chunks(): AsyncGenerator<Buffer> {
    let left = length ?? Number.POSITIVE_INFINITY
    const cut = (bytes: Buffer) => {
      const piece = bytes.length > left ? bytes.subarray(0, left) : bytes
      left -= piece.length
      return piece
    }
    if (first.length > 0 && left > 0) yield cut(first)
    while (left > 0) {
      const bytes = await within(socket, idleMs, nextBytes(socket))
      if (bytes === null) {
        if (length !== null) throw new Error('the client went away')
        return
      }
      yield cut(bytes)
    }
    // only a socket that is read tells that the other side is gone
    socket.resume()
  }
  async function whole(limit: number): Promise<Uint8Array> {
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of chunks()) {
      size += piece.length
      if (size > limit) throw new BodyTooLarge(`more than ${limit} bytes`)
      pieces.push(piece)
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }
  return { whole, chunks }
}

/** Breaks the connection when it takes longer. */
export async function within<T>(socket: Socket, ms: number, waited: Promise<T>): Promise<T> {
  const late = setTimeout(() => socket.destroy(), ms)
  try {
    return await waited
  } finally {
    clearTimeout(late)
  }
}

/** What comes next on a paused socket; null at its end. Rejects when it breaks. */
export function nextBytes(socket: Socket): Promise<Buffer | null> {
  const ready = socket.read() as Buffer | null
  if (ready !== null) return Promise.resolve(ready)
  if (socket.readableEnded) return Promise.resolve(null)
  if (socket.destroyed) return Promise.reject(new Error('the client went away'))
  return new Promise((done, fail) => {
    const over = () => {
      socket.off('readable', onReadable).off('end', onEnd).off('close', onClose)
    }
    const onReadable = () => {
      const bytes = socket.read() as Buffer | null
      if (bytes === null) return
      over()
      done(bytes)
    }
    const onEnd = () => {
      over()
      done(null)
    }
    const onClose = () => {
      over()
      fail(new Error('the client went away'))
    }
    socket.on('readable', onReadable).on('end', onEnd).on('close', onClose)
  })
}
