/** Ids in paths, where Nova checks them itself. */
import { Fault } from '../../compute/faults.ts'
import { formats } from '../serve/formats.ts'

/** A whole number, as Python's `int` reads one. Throws `invalidInput` (nova/utils.py validate_integer). */
export function integerId(text: string): number {
  if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(text)) throw new Fault('invalidInput', 'id must be an integer')
  return Number(text.replaceAll('_', ''))
}

/** Whether Nova takes a text for a UUID. */
export const isUuidLike = (text: string): boolean => formats.uuid!.check(text)
