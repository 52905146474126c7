/** A value inside a statement that takes no parameters, spelled as every engine reads it. */
export const literal = (value: string | number): string => (typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`)
