/** `nova-ts openapi`: prints the API of a microversion as an OpenAPI document. */
import { resources } from '../../api/compute/index.ts'
import { openApi } from '../../api/openapi/document.ts'
import { newest } from '../../api/spec/history.ts'
import { parseFlags } from '../parse.ts'
import { type Command, UsageError } from '../usage.ts'

const help = `nova-ts openapi: the compute API as an OpenAPI 3.1 document

  nova-ts openapi                       of the newest microversion, 2.${newest}
  nova-ts openapi --microversion 2.79   of another
  --server URL                          where the API is (/v2.1)
`

export const openapi: Command = async (argv, terminal) => {
  const { microversion, server, help: wanted } = flagsIn(argv)
  if (wanted) {
    terminal.out(help)
    return 0
  }
  terminal.out(`${JSON.stringify(documentOf(microversion ?? 'latest', server), null, 2)}\n`)
  return 0
}

function flagsIn(argv: readonly string[]) {
  const options = { microversion: { type: 'string' }, server: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
  return parseFlags(argv, options).values
}

function documentOf(version: string, server: string | undefined) {
  const found = /^2\.(\d+)$/.exec(version)
  if (version !== 'latest' && !found) throw new UsageError(`a microversion looks like 2.79, not like ${version}`)
  try {
    return openApi(resources, found ? Number(found[1]) : newest, server === undefined ? {} : { server })
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error
  }
}
