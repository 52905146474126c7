// The application under node:http: `node node-http.mjs MODULE PORT`
import { createServer } from 'node:http'

const [module, port] = process.argv.slice(2)
const { application } = await import(module)
createServer(application).listen(Number(port), '127.0.0.1')
