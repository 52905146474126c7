/** The metadata API under node:http: the same application that other hosts take. */
import { application } from '../../wsgi/metadata.ts'
import { hosted } from './hosted.ts'
import type { Program } from './program.ts'

export const program: Program = ({ bind, ports }) => hosted(application, { host: bind, port: ports.metadata })
