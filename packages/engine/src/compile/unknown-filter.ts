// A filter that is not known, where it is kept (`keepsUnknown`): its name, and who asked for it.
import type { Origins, UnknownFilter } from '../model.ts'
import type { Context } from './refusal.ts'

/** A filter by its name, and the URL of its configuration's type. */
export interface NamedFilter {
  readonly name: string
  readonly type: string | undefined
}

/** What is kept of a filter that is not known. */
export function keptUnknown(context: Context, { name, type = '' }: NamedFilter): UnknownFilter {
  const own = originsNamed(context, name)
  const patches = context.options.keepsUnknown?.patches ?? []
  const patched = Object.keys(own).length === 0 && patches.length > 0
  const origins = patched ? Object.fromEntries(patches.map((origin, index) => [`patch${index}`, origin])) : own
  return { kind: 'unknown', type: type.slice(type.lastIndexOf('.') + 1), origins, patched }
}

/** Several objects may ask for one filter: they are numbered. */
function originsNamed({ policyOrigins = {} }: Context, name: string): Origins {
  const found = Object.entries(policyOrigins).filter(([key]) => key.startsWith(`${name}/`))
  return Object.fromEntries(found.map(([, origin], index) => [index === 0 ? 'origin' : `origin${index}`, origin]))
}
