// Field paths as people read them: `spec.http[0].match[1].headers["x-user"].exact`.

/** A step of a path: a field name or an index. */
export type PathStep = string | number

const plainName = /^[A-Za-z_$][\w$]*$/

/** Writes a path; names that are not plain identifiers are quoted in brackets. */
export function fieldPath(steps: readonly PathStep[]): string {
  let path = ''
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`
    else if (plainName.test(step)) path += path === '' ? step : `.${step}`
    else path += `[${JSON.stringify(step)}]`
  }
  return path
}

/** Reads what `fieldPath` writes. Text that is not a path yields the steps up to the fault. */
export function splitFieldPath(path: string): PathStep[] {
  const steps: PathStep[] = []
  const token = /\.?([A-Za-z_$][\w$]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  while (token.lastIndex < path.length) {
    const match = token.exec(path)
    if (match === null) break
    const [, name, index, quoted] = match
    if (name !== undefined) steps.push(name)
    else if (index !== undefined) steps.push(Number(index))
    else if (quoted !== undefined) steps.push(unquote(quoted))
  }
  return steps
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted
  }
}
