/** Where log lines go: a file, which is opened anew when it was moved away, or a stream; gathered so that one write carries many lines. */
import { appendFileSync, closeSync, fchmodSync, fstatSync, openSync, statSync } from 'node:fs'

export interface Sink {
  /** Takes one or more whole lines. */
  write(text: string): void
}

export interface BatchedSink extends Sink {
  /** Writes what was gathered, now: to be called before the process ends. */
  flush(): void
}

/** Most characters that are gathered before they are written without waiting for the turn to end. */
const batchLimit = 64 * 1024

/** Gathers lines and hands them on once per turn of the event loop. */
export function batched(sink: Sink): BatchedSink {
  let pending = ''
  let scheduled = false
  const flush = () => {
    scheduled = false
    const text = pending
    pending = ''
    if (text !== '') sink.write(text)
  }
  return {
    flush,
    write(text) {
      pending += text
      if (pending.length > batchLimit) flush()
      else if (!scheduled) {
        scheduled = true
        setImmediate(flush)
      }
    },
  }
}

/** Appends to the file at a path, whichever stands there (logrotate may move it), with `mode` where it may be given. Throws when the first cannot be opened. */
export function fileSink(path: string, otherwise: Sink, mode: number | null = null): Sink & { close(): void } {
  let file = opened(path, mode)
  let held = fstatSync(file)
  const follow = () => {
    const there = statSync(path, { throwIfNoEntry: false })
    if (there && there.ino === held.ino && there.dev === held.dev) return
    const fresh = opened(path, mode)
    closeSync(file)
    file = fresh
    held = fstatSync(file)
  }
  return {
    close: () => closeSync(file),
    write(text) {
      try {
        follow()
        appendFileSync(file, text)
      } catch {
        // A full disk must not stop the service: the lines go where somebody may still see them.
        otherwise.write(text)
      }
    },
  }
}

function opened(path: string, mode: number | null): number {
  const file = openSync(path, 'a')
  try {
    if (mode !== null) fchmodSync(file, mode)
  } catch {
    // another's file, which may be written all the same
  }
  return file
}

/** Writes to a stream of the process. What it cannot take, as a file on a full disk, is lost: a log must not stop the service. */
export function streamSink(stream: NodeJS.WritableStream): Sink {
  if (!stream.listeners('error').includes(lost)) stream.on('error', lost)
  return {
    write: (text) => {
      stream.write(text)
    },
  }
}

const lost = (): void => undefined
