/** As much of a memcached as tests need. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export interface TestMemcached {
  readonly at: string
  readonly kept: Map<string, { value: string; flags: string; seconds: string }>
  readonly asked: string[]
  readonly sockets: Set<Socket>
  /** Says nothing while it is set. */
  mute: boolean
  /** In how many pieces an answer is written. */
  pieces: number
  close(): void
}

export async function testMemcached(port = 0): Promise<TestMemcached> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    let held = ''
    socket.on('error', () => {})
    socket.on('data', async (chunk) => {
      held += chunk.toString('latin1')
      for (;;) {
        const found = /^(get|set|delete) (\S+)(?: (\d+) (-?\d+) (\d+))?\r\n/.exec(held)
        if (!found) return
        const [line, verb, key, flags, seconds, length] = found
        if (verb === 'set' && held.length < line.length + Number(length) + 2) return
        self.asked.push(`${verb} ${key}`)
        let answer = 'STORED\r\n'
        if (verb === 'set')
          self.kept.set(key!, { value: held.slice(line.length, line.length + Number(length)), flags: flags!, seconds: seconds! })
        else if (verb === 'delete') answer = self.kept.delete(key!) ? 'DELETED\r\n' : 'NOT_FOUND\r\n'
        else {
          const entry = self.kept.get(key!)
          answer = entry ? `VALUE ${key} ${entry.flags} ${entry.value.length}\r\n${entry.value}\r\nEND\r\n` : 'END\r\n'
        }
        held = held.slice(line.length + (verb === 'set' ? Number(length) + 2 : 0))
        if (self.mute) continue
        const size = Math.ceil(answer.length / self.pieces)
        for (let at = 0; at < answer.length; at += size) socket.write(Buffer.from(answer.slice(at, at + size), 'latin1'))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const self: TestMemcached = {
    at: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    kept: new Map(),
    asked: [],
    sockets,
    mute: false,
    pieces: 1,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return self
}
