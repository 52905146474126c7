/** JSON as Python's json.dumps writes it, where others may compare it as text: a space after colon and comma, nothing beyond ASCII. */

export function dumps(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${text(key)}: ${dumps(item)}`)
      .join(', ')}}`
  return typeof value === 'string' ? text(value) : JSON.stringify(value)
}

const text = (value: string): string => {
  const quoted = JSON.stringify(value)
  return beyondAscii.test(quoted) ? quoted.replace(eachBeyondAscii, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : quoted
}

const beyondAscii = /[\x80-\uffff]/
const eachBeyondAscii = /[\x80-\uffff]/g
