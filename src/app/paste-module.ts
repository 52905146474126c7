/** Factories of third parties: an export of an ES module that a paste file names as `/path/module.js:export` or `package:export`. */
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

export type ForeignFactory = (...values: unknown[]) => unknown

/** There is no such module: the name may be misspelt, or that of a Python module that is not built here. */
export class UnknownModule extends Error {
  override readonly name = 'UnknownModule'
}

/** The function that `name` stands for. A path is relative to `file`; a package is looked for from there, then from here. */
export async function loadExport(name: string, file: string): Promise<ForeignFactory> {
  const colon = name.lastIndexOf(':')
  if (colon < 0) throw new UnknownModule('it is not of the form module:export')
  const [specifier, path] = [name.slice(0, colon), name.slice(colon + 1)]
  let value: unknown = await importFrom(specifier, file)
  for (const key of path.split('.')) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !(key in value))
      throw new Error(
        `the module has no export '${path}'; it has ${Object.keys((value as object) ?? {})
          .sort()
          .join(', ')}`,
      )
    value = (value as Record<string, unknown>)[key]
  }
  if (typeof value !== 'function') throw new Error(`the export '${path}' is no function`)
  return value as ForeignFactory
}

const looksLikePath = (specifier: string): boolean => /^\.{0,2}\//.test(specifier) || /\.[cm]?[jt]s$/.test(specifier)

async function importFrom(specifier: string, file: string): Promise<unknown> {
  const target = looksLikePath(specifier) ? pathToFileURL(resolve(dirname(file), specifier)).href : resolved(specifier, file)
  try {
    return await import(target)
  } catch (error) {
    // What stands before `imported from` is missing: a module that is there may itself import something that is not.
    const [missing] = (error as Error).message.split(' imported from ')
    if (isMissing(error) && missing!.includes(specifier.replace(/^(\.{0,2}\/)+/, '')))
      throw new UnknownModule(looksLikePath(specifier) ? 'there is no such file' : `there is no module '${specifier}'`)
    throw error
  }
}

function resolved(specifier: string, file: string): string {
  try {
    return pathToFileURL(createRequire(file).resolve(specifier)).href
  } catch {
    return specifier
  }
}

const isMissing = (error: unknown): boolean =>
  ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_ESM_URL_SCHEME', 'ERR_INVALID_MODULE_SPECIFIER'].includes(
    (error as NodeJS.ErrnoException)?.code ?? '',
  )
