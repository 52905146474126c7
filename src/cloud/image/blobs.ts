/**
 * The bytes of images as files of one folder. They arrive under a name of their own and take their place only when all of them are on the
 * disk, so that a process that dies leaves no torn image: `<id>.part` grows, `<id>.staged` waits to be imported, `<id>` is the image.
 */
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { headBytes } from './formats.ts'

export interface Received {
  readonly size: number
  /** md5, in hex. */
  readonly checksum: string
  /** sha512, in hex. */
  readonly sha512: string
  /** The first bytes, for telling the format. */
  readonly head: Buffer
}

export interface Blobs {
  /** Writes all chunks to the disk and says what they were. What an earlier attempt left is overwritten. */
  receive(id: string, chunks: AsyncIterable<Uint8Array>): Promise<Received>
  /** Puts what was received in its place: the image's own, or the one of what waits. */
  keep(id: string, place: 'image' | 'staged'): Promise<void>
  /** Makes what waits the image. */
  promote(id: string): Promise<void>
  /** Forgets what was received. */
  discard(id: string): Promise<void>
  /** Bytes `from` to `to`, both included. */
  read(id: string, from: number, to: number): AsyncIterable<Uint8Array>
  /** Removes all that there is of an image. */
  remove(id: string): Promise<void>
}

const readChunk = 256 * 1024

/** The names of our own files: nothing else in the folder is touched. */
const ours = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(\.part|\.staged)?$/i

/** Opens or makes the folder and removes what no image needs: `wanted` says whether a file is of use. */
export function openBlobs(folder: string, wanted: (id: string, place: 'image' | 'staged') => boolean): Blobs {
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(folder)) {
    const [, id, ending] = ours.exec(file) ?? []
    if (id === undefined) continue
    const useful = ending === '.part' ? false : wanted(id, ending ? 'staged' : 'image')
    if (!useful) rmSync(join(folder, file), { force: true })
  }
  const image = (id: string) => join(folder, id)
  const part = (id: string) => join(folder, `${id}.part`)
  const staged = (id: string) => join(folder, `${id}.staged`)
  const move = async (from: string, to: string) => {
    await rename(from, to)
    await syncFolder(folder)
  }
  return {
    receive: (id, chunks) => receive(part(id), chunks),
    keep: (id, place) => move(part(id), place === 'image' ? image(id) : staged(id)),
    promote: (id) => move(staged(id), image(id)),
    discard: (id) => rm(part(id), { force: true }),
    async *read(id, from, to) {
      if (to >= from) yield* createReadStream(image(id), { start: from, end: to, highWaterMark: readChunk })
    },
    async remove(id) {
      await Promise.all([image(id), staged(id)].map((file) => rm(file, { force: true })))
    },
  }
}

async function receive(file: string, chunks: AsyncIterable<Uint8Array>): Promise<Received> {
  const [md5, sha512] = [createHash('md5'), createHash('sha512')]
  const head: Uint8Array[] = []
  let size = 0
  const out = await open(file, 'w')
  try {
    for await (const chunk of chunks) {
      if (size < headBytes) head.push(chunk.subarray(0, headBytes - size))
      size += chunk.length
      md5.update(chunk)
      sha512.update(chunk)
      await writeAll(out, chunk)
    }
    await out.sync()
  } finally {
    await out.close()
  }
  return { size, checksum: md5.digest('hex'), sha512: sha512.digest('hex'), head: Buffer.concat(head) }
}

async function writeAll(out: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await out.write(chunk, at)).bytesWritten
}

/** A rename is on the disk only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
