// The application mounted in Express: `node express.mjs MODULE PORT EXPRESS`
const [module, port, library] = process.argv.slice(2)
const { default: express } = await import(library)
const { application } = await import(module)
const app = express()
app.disable('x-powered-by')
app.get('/of-express', (_, answer) => answer.send('not the application'))
// no body parser before it: the application reads bodies itself
app.use(application)
app.listen(Number(port), '127.0.0.1')
