import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { freePorts } from '../../../tests/support/free-ports.ts'
import { serviceNames } from '../../cloud/places.ts'
import { Refusal } from '../usage.ts'
import { refuseTakenPorts } from './ports.ts'

const servers: Server[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))))

async function take(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
}

const portsFrom = (first: number) => Object.fromEntries(serviceNames.map((name, index) => [name, first + index])) as never

test('free ports are let pass, and are free afterwards', async () => {
  const ports = portsFrom(await freePorts(serviceNames.length))
  await refuseTakenPorts({ bind: '127.0.0.1', ports })
  await refuseTakenPorts({ bind: '127.0.0.1', ports })
})

test('a taken port is named with its service and what moves it', async () => {
  const first = await freePorts(serviceNames.length)
  await take(first + 3)
  await expect(refuseTakenPorts({ bind: '127.0.0.1', ports: portsFrom(first) })).rejects.toThrow(
    new Refusal(
      `port ${first + 3}, for the compute service, is taken by another program: move it with --port-compute or NOVA_TS_PORT_COMPUTE`,
    ),
  )
})

test('all that are taken are told at once', async () => {
  const first = await freePorts(serviceNames.length)
  await take(first)
  await take(first + 4)
  await expect(refuseTakenPorts({ bind: '127.0.0.1', ports: portsFrom(first) })).rejects.toThrow(
    new Refusal(`2 of the ports that the cloud needs on 127.0.0.1 cannot be had:
  ${first}  identity  is taken by another program; --port-identity or NOVA_TS_PORT_IDENTITY moves it
  ${first + 4}  metadata  is taken by another program; --port-metadata or NOVA_TS_PORT_METADATA moves it
--ports-from N moves all of them at once, to the 7 ports from N on`),
  )
})

test('an address of another machine is refused with the flag that names it', async () => {
  await expect(refuseTakenPorts({ bind: '192.0.2.1', ports: portsFrom(20000) })).rejects.toThrow(
    '192.0.2.1 is no address of this machine: choose another with --bind',
  )
})
