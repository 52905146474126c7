/** The outermost layer of an application: what nobody within caught is told to a log, on whatever host it runs. */
import { type Filter, type Request, text } from './contract.ts'

/** An answer that ended in the middle, for a reason that a log has been told. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff'
}

/**
 * Answers 500 for an application that throws, and tells `report` why; an answer that comes in pieces and fails midway is told and fails on, so that
 * the host breaks the connection. Nothing is told of a client that did not wait, nor what a last resort further in has told.
 */
export const lastResort =
  (report: (error: unknown, request: Request) => void): Filter =>
  (app) =>
    async function lastResort(request) {
      const tell = (error: unknown) => {
        if (!request.signal?.aborted) report(error, request)
      }
      try {
        const answer = await app(request)
        const { body } = answer
        if (body === null || typeof body === 'string' || body instanceof Uint8Array) return answer
        return { ...answer, body: whole(body, tell) }
      } catch (error) {
        tell(error)
        return text(500, 'Internal Server Error\n')
      }
    }

async function* whole(body: AsyncIterable<Uint8Array>, tell: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    if (error instanceof BrokenOff) throw error
    tell(error)
    throw new BrokenOff('the answer ended in the middle', { cause: error })
  }
}
