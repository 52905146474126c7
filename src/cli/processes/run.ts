/** `nova-ts cloud process <name> <place as JSON>`: one process of a cloud, as its supervisor starts it. */
import type { Place } from '../../cloud/places.ts'
import { type Command, UsageError } from '../usage.ts'
import { type Program, runProgram } from './program.ts'

/** Each is loaded only where it runs. */
const programs: Readonly<Record<string, () => Promise<{ readonly program: Program }>>> = {
  services: () => import('./services.ts'),
  cell: () => import('./cell.ts'),
  'compute-api': () => import('./compute-api.ts'),
  'metadata-api': () => import('./metadata-api.ts'),
}

export const runNamed: Command = async ([name = '', place]) => {
  const load = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (!load || !place || !process.send) throw new UsageError('cloud process is what the supervisor starts')
  process.title = `nova-ts: ${name}`
  await runProgram(async (where) => (await load()).program(where), JSON.parse(place) as Place)
  return await new Promise<never>(() => undefined)
}
