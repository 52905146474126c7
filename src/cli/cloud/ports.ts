/** Whether the addresses of a cloud are free, before anything is started. */
import { createServer } from 'node:net'
import { type Place, serviceNames, usualPorts } from '../../cloud/places.ts'
import { Refusal } from '../usage.ts'
import { flagOfPort, variableOfPort } from './flags.ts'

/** Throws a `Refusal` that names each port that cannot be had, its service and the flag that moves it. */
export async function refuseTakenPorts({ bind, ports }: Pick<Place, 'bind' | 'ports'>): Promise<void> {
  const told = await Promise.all(
    serviceNames.map(async (name) => {
      const code = await tryListen(bind, ports[name])
      if (code === undefined) return []
      if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
        throw new Refusal(`${bind} is no address of this machine: choose another with --bind`)
      const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be opened (${code})`
      return [`port ${ports[name]}, for the ${name} service, ${why}: move it with --${flagOfPort(name)} or ${variableOfPort(name)}`]
    }),
  )
  const problems = told.flat()
  if (problems.length === 0) return
  const all =
    problems.length > 1 ? `\nnova-ts: --ports-from N moves all of them at once; ${Object.keys(usualPorts).length} ports from N on` : ''
  throw new Refusal(problems.join('\nnova-ts: ') + all)
}

/** The error's code, or undefined when the port can be had. */
function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}
