/** oslo.messaging's envelope 2.0: the message as JSON text inside a JSON object that says its version. */
import { UnreadableMessage } from './errors.ts'
import { isCompatible } from './version.ts'

const version = '2.0'

/** The keys that RPC knows; those of the request context are beside them, as `_context_*`. */
export interface Message {
  readonly [key: string]: unknown
  readonly method?: string
  readonly args?: Readonly<Record<string, unknown>>
  readonly namespace?: string | null
  readonly version?: string
  readonly _unique_id?: string
  readonly _msg_id?: string | null
  readonly _reply_q?: string | null
  /** Seconds between two signs of life that the caller waits for. */
  readonly _timeout?: number | null
}

export const seal = (message: Message): string => JSON.stringify({ 'oslo.version': version, 'oslo.message': JSON.stringify(message) })

/** Takes a message out of its envelope, or one that came without. Throws an `UnreadableMessage`. */
export function unseal(body: string): Message {
  const outer = parse(body)
  if (!('oslo.version' in outer && 'oslo.message' in outer)) return outer
  if (!isCompatible(version, String(outer['oslo.version'])))
    throw new UnreadableMessage(`envelope version ${outer['oslo.version']} is not known`)
  return parse(String(outer['oslo.message']))
}

function parse(text: string): Message {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new UnreadableMessage('a message is not JSON', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnreadableMessage('a message is not a JSON object')
  return value as Message
}
