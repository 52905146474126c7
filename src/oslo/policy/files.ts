/** The policy files of a deployment: which there are, when they last changed, and what they say. */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { type Check, InvalidRule, parseRule } from './check.ts'
import type { PolicySettings } from './options.ts'

/** A policy file, a rule in it or the rules together cannot be used; the text names the file and says why. */
export class InvalidPolicy extends Error {
  override readonly name = 'InvalidPolicy'
}

export interface PolicyFile {
  readonly path: string
  /** Differs when the file has changed. */
  readonly stamp: string
}

/** The policy file and then those of `policy_dirs`; later ones win. What does not exist is passed over. */
export function policyFiles({ policyFile, policyDirs }: PolicySettings, directories: readonly string[]): PolicyFile[] {
  return [...lookUp(policyFile, directories), ...policyDirs.flatMap((name) => lookUp(name, directories)).flatMap(inside)]
}

/** The first of the directories that has it decides, as oslo.config's find_file does. */
function lookUp(name: string, directories: readonly string[]): PolicyFile[] {
  for (const path of new Set(directories.map((directory) => resolve(directory, name)))) {
    const file = stamped(path)
    if (file) return [file]
  }
  return []
}

// oslo_policy/policy.py Enforcer._walk_through_policy_directory: in the order of names, without hidden files and sub-directories
function inside(directory: PolicyFile): PolicyFile[] {
  return entriesOf(directory.path)
    .filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory())
    .map((entry) => resolve(directory.path, entry.name))
    .sort()
    .flatMap((path) => stamped(path) ?? [])
}

function entriesOf(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    throw new InvalidPolicy(`policy_dirs: ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function stamped(path: string): PolicyFile | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && { path, stamp: `${path} ${found.mtimeMs} ${found.size}` }
}

/** The rules of a file by name. YAML, and so JSON; of a name given twice the last counts. Throws an `InvalidPolicy`. */
export function readPolicyFile({ path }: PolicyFile): Map<string, Check> {
  const content = contentOf(path)
  if (content === null || content === undefined) return new Map()
  if (typeof content !== 'object' || Array.isArray(content)) throw new InvalidPolicy(`${path}: not a mapping of names to rules`)
  return new Map(Object.entries(content).map(([name, rule]) => [name, ruleOf(path, name, rule)]))
}

function contentOf(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'), { version: '1.1', uniqueKeys: false })
  } catch (error) {
    throw new InvalidPolicy(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

function ruleOf(path: string, name: string, rule: unknown): Check {
  try {
    return parseRule(rule)
  } catch (error) {
    if (error instanceof InvalidRule) throw new InvalidPolicy(`${path}: rule "${name}": ${error.message}`, { cause: error })
    throw error
  }
}
