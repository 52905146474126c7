// A TCP relay in front of a service, which can be made late, silent or away while the service itself and everybody else who uses it go on.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/**
 * A relay to `to` (a URL) on a free port of 127.0.0.1: `url` is `to` through it. `be('late', ms)`: everything that comes back is that much later; `be('silent')`:
 * connections are taken and nothing comes back; `be('away')`: refused; `be('open')`: as if it were not there.
 */
export async function relay(to) {
  const target = new URL(to)
  const upstream = { host: target.hostname, port: Number(target.port) || (target.protocol === 'https:' ? 443 : 80) }
  const sockets = new Set()
  let delayMs = 0
  let silent = false
  const server = createServer((client) => {
    const service = connect(upstream)
    for (const socket of [client, service]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('data', (data) => service.write(data))
    client.on('close', () => service.destroy())
    const later = (work) => (delayMs === 0 ? work() : setTimeout(work, delayMs))
    service.on('data', (data) => silent || later(() => client.destroyed || client.write(data)))
    service.on('close', () => silent || later(() => client.end()))
  })
  await listening(0)
  const { port } = server.address()
  const through = new URL(to)
  through.hostname = '127.0.0.1'
  through.port = String(port)

  function listening(on) {
    server.listen(on, '127.0.0.1')
    // rejects with what is told as 'error'
    return once(server, 'listening')
  }
  async function leave() {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url: through.href.replace(/\/$/, ''),
    host: `127.0.0.1:${port}`,
    async be(state, ms = 0) {
      silent = state === 'silent'
      delayMs = state === 'late' ? ms : 0
      // what was taken in silence never gets its answer
      if (state === 'away' || state === 'open') await leave()
      if (state !== 'away' && !server.listening) await listening(port)
    },
    close: leave,
  }
}
