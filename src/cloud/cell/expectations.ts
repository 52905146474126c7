/** Events of other services that something in work waits for. nova/compute/manager.py InstanceEvents */

export interface Expected {
  /** False when the other service tells of a failure, or of nothing in time. */
  readonly arrived: Promise<boolean>
  cancel(): void
}

export interface Expectations {
  /** `name` with the tag of the event behind it: `volume-reimaged-<id>`. */
  expect(server: string, name: string, timeoutMs: number): Expected
  /** Whether anybody waited for it. */
  tell(server: string, name: string, succeeded: boolean): boolean
}

export function openExpectations(): Expectations {
  const waiting = new Map<string, (succeeded: boolean) => void>()
  return {
    expect(server, name, timeoutMs) {
      const key = `${server} ${name}`
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const timer = setTimeout(resolve, timeoutMs, false)
      waiting.set(key, resolve)
      const cancel = () => {
        clearTimeout(timer)
        if (waiting.get(key) === resolve) waiting.delete(key)
      }
      return { arrived: promise, cancel }
    },
    tell(server, name, succeeded) {
      const resolve = waiting.get(`${server} ${name}`)
      resolve?.(succeeded)
      return resolve !== undefined
    },
  }
}
