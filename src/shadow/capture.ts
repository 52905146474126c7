/** Keeps the bodies of answers that pass, as far as the memory for them goes. */
import type { IncomingMessage } from 'node:http'
import type { Answer } from './compare/answers.ts'
import type { Loss } from './counts.ts'
import type { Witness } from './forward.ts'
import { decoded } from './side.ts'

/** Memory that all captures share. */
export interface Held {
  /** False when there is not so much left. */
  take(bytes: number): boolean
  give(bytes: number): void
  bytes(): number
}

export function held(most: number): Held {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > most) return false
      taken += bytes
      return true
    },
    give(bytes) {
      taken -= bytes
    },
    bytes: () => taken,
  }
}

export interface CaptureParts {
  readonly held: Held
  readonly largestBytes: number
  /** With the whole answer; `release` when it is not needed any more. */
  readonly kept: (answer: Answer, release: () => void) => void
  readonly lost: (why: Loss | 'realFailed') => void
}

export function capture({ held, largestBytes, kept, lost }: CaptureParts): Witness {
  let chunks: Buffer[] = []
  let size = 0
  let over: Loss | undefined
  const release = () => {
    held.give(size)
    chunks = []
    size = 0
  }
  return {
    chunk(bytes) {
      if (over) return
      if (size + bytes.length > largestBytes) over = 'tooLarge'
      else if (!held.take(bytes.length)) over = 'memory'
      if (over) return release()
      chunks.push(bytes)
      size += bytes.length
    },
    end(response: IncomingMessage, ms: number) {
      if (over) return lost(over)
      const coding = response.headers['content-encoding']
      const whole = Buffer.concat(chunks)
      chunks = []
      decoded(whole, coding, largestBytes).then(
        (body) => {
          // what waits is unpacked
          const more = body.length - size
          if (more > 0 && !held.take(more)) {
            release()
            return lost('memory')
          }
          if (more < 0) held.give(-more)
          size = body.length
          kept({ status: response.statusCode!, headers: response.headers, body, ms }, release)
        },
        () => {
          release()
          lost('tooLarge')
        },
      )
    },
    lost(by) {
      release()
      lost(by === 'client' ? 'clientLeft' : 'realFailed')
    },
  }
}
