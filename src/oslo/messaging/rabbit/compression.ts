/** Compressed bodies as kombu marks them: a header names the type, and its gzip is zlib's format. */
import { deflateSync, unzipSync } from 'node:zlib'
import { maxBodyBytes } from '../local/frames.ts'

export interface Encoded {
  readonly content: Buffer
  readonly headers: Record<string, unknown>
}

/** kombu/compression.py: `gzip` is application/x-gzip and written by zlib.compress. */
export const encode = (body: Buffer, compression: 'gzip' | 'bz2' | null): Encoded =>
  compression === 'gzip' ? { content: deflateSync(body), headers: { compression: 'application/x-gzip' } } : { content: body, headers: {} }

/** Throws for a compression that is not known, or a body that cannot be read. */
export function decode(content: Buffer, headers: Readonly<Record<string, unknown>>): string {
  const { compression } = headers
  if (compression === undefined || compression === null || compression === '') return content.toString()
  if (compression !== 'application/x-gzip' && compression !== 'gzip')
    throw new Error(`a message is compressed as ${compression}, which is not known`)
  return unzipSync(content, { maxOutputLength: maxBodyBytes }).toString()
}
