import { startPostgresql } from './instances.ts'
import { restarts } from './restarts.ts'

restarts(() => startPostgresql())
