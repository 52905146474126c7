/** The composites that paste files name and that need nothing but other sections: the two urlmaps and Nova's pipeline by strategy. */
import type { Application, Filter } from './contract.ts'
import type { CompositeFactory } from './paste.ts'
import { novaUrlmap, pasteUrlmap } from './urlmap.ts'

/** By the names that paste files use. */
export function builtIn(authStrategy: string): Record<string, CompositeFactory> {
  const mounted =
    (urlmap: typeof novaUrlmap): CompositeFactory =>
    async (loader, globalConf, { not_found_app: local, ...mounts }) => {
      const notFound = local ?? globalConf.not_found_app
      const apps: [string, Application][] = []
      for (const [path, app] of Object.entries(mounts)) apps.push([path, await loader.app(app, globalConf)])
      return urlmap(apps, notFound ? await loader.app(notFound, globalConf) : undefined)
    }
  // nova/api/auth.py pipeline_factory_v21
  const pipeline: CompositeFactory = async (loader, _globalConf, localConf) => {
    const names = localConf[authStrategy]?.split(/\s+/).filter(Boolean)
    if (!names?.length) throw new Error(`no pipeline for '${authStrategy}'; there is ${Object.keys(localConf).join(', ') || 'none'}`)
    return pipe(await loader.app(names.at(-1)!), await eachInTurn(names.slice(0, -1), (each) => loader.filter(each)))
  }
  return {
    'nova.api.openstack.urlmap:urlmap_factory': mounted(novaUrlmap),
    'egg:Paste#urlmap': mounted(pasteUrlmap),
    'paste.urlmap:urlmap_factory': mounted(pasteUrlmap),
    'nova.api.auth:pipeline_factory_v21': pipeline,
    'nova.api.auth:pipeline_factory': pipeline,
  }
}

/** The first filter is the outermost. */
export const pipe = (app: Application, filters: readonly Filter[]): Application =>
  filters.reduceRight((inner, filter) => filter(inner), app)

/** One after the other: what is made first complains first. */
export async function eachInTurn<T>(names: readonly string[], make: (name: string) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (const name of names) made.push(await make(name))
  return made
}
