/** Puts the rules in force together: what the files say, over the defaults and what those were before. */
import { type Check, references, ruleText } from './check.ts'
import { InvalidPolicy, type PolicyFile, readPolicyFile } from './files.ts'
import type { PolicySettings } from './options.ts'

/** A rule that a service registers, with its default. */
export interface RuleDefault {
  readonly name: string
  readonly check: Check
  /** The kinds of token the rule is for: `system`, `domain`, `project`. Any, when absent. */
  readonly scopes?: readonly string[]
  /** What this rule was before: another name, another default, or both. */
  readonly deprecated?: { readonly name: string; readonly check: Check }
}

export interface RuleSet {
  /** Every rule in force by name. */
  readonly rules: ReadonlyMap<string, Check>
  /** Those that files have set. */
  readonly fromFiles: ReadonlyMap<string, Check>
  /** The file that a rule comes from, to tell the operator. */
  origin(name: string): string
  /** What an operator should know, a sentence each. */
  readonly warnings: readonly string[]
}

/** Reads the files and settles every rule. Throws an `InvalidPolicy` that names the file. */
export function gatherRules(files: readonly PolicyFile[], defaults: readonly RuleDefault[], settings: PolicySettings): RuleSet {
  const fromFiles = new Map<string, Check>()
  const paths = new Map<string, string>()
  const origin = (name: string) => paths.get(name) ?? 'the default rules'
  for (const file of files) {
    for (const [name, check] of readPolicyFile(file)) {
      fromFiles.set(name, check)
      paths.set(name, file.path)
    }
  }
  const rules = new Map(fromFiles)
  const warnings: string[] = []
  for (const registered of defaults) {
    if (!rules.has(registered.name)) rules.set(registered.name, settled(registered, fromFiles, settings, warnings))
  }
  warnings.push(...redundant(fromFiles, defaults))
  verify(rules, origin, settings.policyDefaultRule)
  return { rules, fromFiles, origin, warnings }
}

// oslo_policy/policy.py Enforcer._handle_deprecated_rule; called for rules that no file sets
function settled(
  { name, check, deprecated }: RuleDefault,
  fromFiles: ReadonlyMap<string, Check>,
  { enforceNewDefaults }: PolicySettings,
  warnings: string[],
): Check {
  if (!deprecated) return check
  const before = deprecated.name === name ? undefined : fromFiles.get(deprecated.name)
  if (before) {
    warnings.push(`Policy "${deprecated.name}" of the policy files is now "${name}" (default "${ruleText(check)}"): set that one instead.`)
    // A file that was generated for the new names sets the old name to the new rule: that is no choice of the operator.
    const chosen = ruleText(before) !== ruleText(deprecated.check) && ruleText(before) !== `rule:${name}`
    if (chosen) return before
  }
  const changed = ruleText(deprecated.check) !== ruleText(check)
  return changed && !enforceNewDefaults ? { is: 'or', checks: [check, deprecated.check] } : check
}

function redundant(fromFiles: ReadonlyMap<string, Check>, defaults: readonly RuleDefault[]): string[] {
  const names = defaults
    .filter(({ name, check }) => fromFiles.has(name) && ruleText(fromFiles.get(name)!) === ruleText(check))
    .map(({ name }) => name)
  return names.length === 0 ? [] : [`Policies ${names.join(', ')} of the policy files are the same as the defaults and can be left out.`]
}

/** oslo.policy logs a reference to nothing and denies; a rule that refers to itself overflows its stack. Here both are refused at once. */
function verify(rules: ReadonlyMap<string, Check>, origin: (name: string) => string, fallback: string): void {
  const settledNames = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    if (settledNames.has(name)) return
    if (path.includes(name)) throw new InvalidPolicy(`${origin(name)}: rule "${name}" refers to itself: ${[...path, name].join(' -> ')}`)
    for (const next of references(rules.get(name)!)) {
      const known = rules.has(next) ? next : rules.has(fallback) ? fallback : undefined
      if (known === undefined) throw new InvalidPolicy(`${origin(name)}: rule "${name}" refers to "rule:${next}", which is not defined`)
      visit(known, [...path, name])
    }
    settledNames.add(name)
  }
  for (const name of rules.keys()) visit(name, [])
}
