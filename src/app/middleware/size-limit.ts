/** Refuses bodies that are too large, whether their length was declared or not (oslo_middleware/sizelimit.py). */
import { group, integer } from '../../oslo/config/options.ts'
import { BodyTooLarge, type Filter, header, type Request, type Response } from '../contract.ts'
import { httpError } from '../http-error.ts'
import { withParts } from '../request.ts'

export const sizeLimitOptions = group('oslo_middleware', {
  maxBytes: integer('max_request_body_size', 114_688, {
    help: 'Most bytes that the body of a request may have.',
  }),
})

/** The answer to a body above a limit. */
export const bodyTooLarge = (request: Request, explanation: string): Response =>
  httpError(request, 413, 'Request Entity Too Large', explanation)

/** Leaves `environ.maxBodyBytes`, so that a host may stop reading there. */
export const sizeLimit =
  ({ maxBytes = 114_688 }: { maxBytes?: number } = {}): Filter =>
  (app) =>
    async function sizeLimit(request) {
      const length = header(request, 'content-length')
      // The placeholder is upstream's: it forgets to fill it in, and clients have seen that text for years.
      if (length !== undefined && Number(length) > maxBytes)
        return bodyTooLarge(request, 'Request is too large. Larger than max_request_body_size (%s).')
      request.environ.maxBodyBytes = maxBytes
      try {
        return await app(length === undefined ? limited(request, maxBytes) : request)
      } catch (error) {
        if (error instanceof BodyTooLarge) return bodyTooLarge(request, `Request is too large. Larger than ${maxBytes}.`)
        throw error
      }
    }

function limited(request: Request, maxBytes: number): Request {
  return withParts(request, {
    async body() {
      const bytes = await request.body()
      if (bytes.length > maxBytes) throw new BodyTooLarge(`Request is too large. Larger than ${maxBytes}.`)
      return bytes
    },
  })
}
