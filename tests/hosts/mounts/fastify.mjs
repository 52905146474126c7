// The application mounted in Fastify: `node fastify.mjs MODULE PORT FASTIFY`
const [module, port, library] = process.argv.slice(2)
const { default: fastify } = await import(library)
const { application } = await import(module)
const app = fastify({ exposeHeadRoutes: false })
app.get('/of-fastify', async () => 'not the application')
// the application reads bodies itself
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, _payload, done) => done(null))
app.setNotFoundHandler((request, reply) => {
  reply.hijack()
  application(request.raw, reply.raw)
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
