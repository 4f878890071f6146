// Access logs to a file or to the standard streams.
import type { JsonObject } from '@weft/xds'
import * as lean from '@weft/xds/lean'
import type { AccessLog, FormatTemplate } from '../model.ts'
import { compileFormat } from './format.ts'
import { type Context, readPart, refuse } from './refusal.ts'

/** Access logs, in order. */
export function compileAccessLogs(context: Context, at: string, logs: readonly lean.AccessLog[]): readonly AccessLog[] {
  return logs.map((log, index) => {
    const where = `${at}[${index}].typed_config`
    const any = log.typedConfig
    switch (any?.typeUrl) {
      case lean.typeUrls.FileAccessLog: {
        const file = readPart(context, where, lean.readFileAccessLog, any.value)
        if (file.path === '') return refuse(`${where}.path`, 'is empty')
        return { path: file.path, format: compileLogFormat(`${where}.log_format`, file.logFormat) }
      }
      case lean.typeUrls.StdoutAccessLog: {
        const stream = readPart(context, where, lean.readStdoutAccessLog, any.value)
        return { path: '/dev/stdout', format: compileLogFormat(`${where}.log_format`, stream.logFormat) }
      }
      case lean.typeUrls.StderrAccessLog: {
        const stream = readPart(context, where, lean.readStderrAccessLog, any.value)
        return { path: '/dev/stderr', format: compileLogFormat(`${where}.log_format`, stream.logFormat) }
      }
      default:
        return refuse(where, `the access logger "${log.name}" (${any?.typeUrl ?? 'nothing'}) is not known`)
    }
  })
}

function compileLogFormat(at: string, format: lean.SubstitutionFormatString | undefined): AccessLog['format'] {
  if (format === undefined) return undefined
  if (format.jsonFormat !== undefined) return { json: compileJson(`${at}.json_format`, format.jsonFormat, '') }
  const text = format.textFormat ?? format.textFormatSource?.inlineString
  return text === undefined ? undefined : { text: compileFormat(at, text) }
}

/** Nested objects become dotted keys. */
function compileJson(at: string, object: JsonObject, prefix: string): ReadonlyMap<string, FormatTemplate> {
  const fields = new Map<string, FormatTemplate>()
  for (const [key, value] of Object.entries(object)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [inner, part] of compileJson(at, value as JsonObject, `${prefix}${key}.`)) fields.set(inner, part)
    } else fields.set(prefix + key, typeof value === 'string' ? compileFormat(`${at}.${key}`, value) : [String(value)])
  }
  return fields
}
