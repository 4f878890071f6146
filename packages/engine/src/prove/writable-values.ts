// What an attribute of a request may be: anything that can be received, and what clients usually write.
import type { Attribute } from '../predicate.ts'
import type { Node } from '../regex/syntax.ts'
import { plainLanguage } from './text-language.ts'

/** Languages of which a value has to be: `possible` is what a proof relies on, `written` what an example is taken from. */
export interface WritableValues {
  readonly possible: readonly Node[]
  readonly written: readonly Node[]
}

/** By attribute. */
export function writableValues({ name }: Attribute): WritableValues {
  return known[name] ?? nothing
}

const nothing: WritableValues = { possible: [], written: [] }

const host = values('[^ \\n]+', '[a-z0-9]([a-zA-Z0-9_.~-]*[a-zA-Z0-9])?(:[0-9]{1,5})?')

const known: Partial<Record<Attribute['name'], WritableValues>> = {
  // A proxy refuses other methods than these, which is not for a proof to rely on.
  'request.method': values('[^ \\n]+', 'GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|TRACE'),
  'request.url_path': values('/[^ ?#\\n]*|\\*', '/[!-"$->@-~]*'),
  'request.path': values('/[^ #\\n]*|\\*', '/[!-"$-~]*'),
  'request.query_params': values('[^ &#\\n]*', '[!-"$-%\'-~]*'),
  'request.headers': values('[^\\n]*', '([!-~]([ -~]*[!-~])?)?'),
  'request.scheme': values('https?'),
  'request.host': host,
  'request.host_name': host,
  'source.principal': values('[^\\n]*', 'spiffe://[a-z0-9.-]+/ns/[a-z0-9-]+/sa/[a-z0-9-]+'),
}

function values(possible: string, written = possible): WritableValues {
  const language = (source: string): readonly Node[] => {
    const node = plainLanguage(source)
    return node === undefined ? [] : [node]
  }
  return { possible: language(possible), written: language(written) }
}
