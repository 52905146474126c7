/** Whether the addresses of a cloud are free, before anything is started. */
import { createServer } from 'node:net'
import { type Place, type ServiceName, serviceNames } from '../../cloud/places.ts'
import { Refusal } from '../usage.ts'
import { flagOfPort, variableOfPort } from './flags.ts'

/** Throws a `Refusal` that names each port that cannot be had, its service and the flag that moves it. */
export async function refuseTakenPorts({ bind, ports }: Pick<Place, 'bind' | 'ports'>): Promise<void> {
  const codes = await Promise.all(serviceNames.map((name) => tryListen(bind, ports[name])))
  if (codes.some((code) => code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'))
    throw new Refusal(`${bind} is no address of this machine: choose another with --bind`)
  const refused = serviceNames.flatMap((name, index) => (codes[index] === undefined ? [] : [{ name, code: codes[index] }]))
  const [first, ...others] = refused
  if (!first) return
  const why = (code: string) => (code === 'EADDRINUSE' ? 'taken by another program' : `not to be opened (${code})`)
  const mover = (name: ServiceName) => `--${flagOfPort(name)} or ${variableOfPort(name)}`
  if (others.length === 0)
    throw new Refusal(`port ${ports[first.name]}, for the ${first.name} service, is ${why(first.code)}: move it with ${mover(first.name)}`)
  const width = Math.max(...refused.map(({ name }) => name.length))
  const lines = refused.map(({ name, code }) => `  ${ports[name]}  ${name.padEnd(width)}  is ${why(code)}; ${mover(name)} moves it`)
  throw new Refusal(
    `${refused.length} of the ports that the cloud needs on ${bind} cannot be had:\n${lines.join('\n')}\n` +
      `--ports-from N moves all of them at once, to the ${serviceNames.length} ports from N on`,
  )
}

/** The error's code, or undefined when the port can be had. */
function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}
