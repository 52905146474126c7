// The application in two processes of node:cluster: `node node-cluster.mjs MODULE PORT`
import cluster from 'node:cluster'
import { createServer } from 'node:http'

const [module, port] = process.argv.slice(2)
if (cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill()
    process.exit(0)
  })
} else {
  const { application } = await import(module)
  createServer(application).listen(Number(port), '127.0.0.1')
}
