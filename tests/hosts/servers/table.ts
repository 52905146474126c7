/** The table of docs/hosts.md: a case for each line, a host for each column, and notes for what a host does in its own way. */
import type { Outcome } from '../cases.ts'

export function outcomeTable(outcomes: readonly Outcome[], skipped: readonly string[]): string {
  const hosts = [...new Set(outcomes.map(({ target }) => target))]
  const names = [...new Set(outcomes.map((outcome) => outcome.case))]
  const notes: string[] = []
  const noteOf = (text: string): number => (notes.includes(text) ? notes.indexOf(text) : notes.push(text) - 1) + 1
  const cell = (name: string, host: string): string => {
    const found = outcomes.find((outcome) => outcome.case === name && outcome.target === host)
    if (!found) return ''
    if (found.result === 'passed') return '✓'
    return found.result === 'excepted' ? `[${noteOf(found.why!)}]` : '✗'
  }
  const rows = names.map((name) => `| ${name.replaceAll('|', '\\|')} | ${hosts.map((host) => cell(name, host)).join(' | ')} |`)
  const head = [`| case | ${hosts.join(' | ')} |`, `|---|${hosts.map(() => ':-:|').join('')}`]
  const below = notes.map((text, index) => `${index + 1}. ${text}.`)
  const left = skipped.length === 0 ? [] : ['', `Not there when this was made: ${skipped.join(', ')}.`]
  return [...head, ...rows, '', ...below, ...left, ''].join('\n')
}
