// `filter_metadata["weft"].metrics` of a listener: how metrics differ from Istio's standard ones.
import { isValueAttribute, isValueFunction, type ValueExpression, valueAttributes, valueFunctions } from '@weft/core'
import type { Metadata } from '@weft/xds/lean'
import type { MetricChange, MetricChanges } from '../model-metrics.ts'
import type { Json } from '../request-head.ts'
import { refuse } from './refusal.ts'

const place = 'metadata.filter_metadata["weft"].metrics'

type JsonRecord = { readonly [key: string]: Json }

/** The changes; undefined: there are none. */
export function compileMetrics(metadata: Metadata | undefined): MetricChanges | undefined {
  const written = metadata?.filterMetadata.get('weft')?.['metrics']
  if (written === undefined) return undefined
  const { metrics = {}, reportingMs = 0 } = recordAt(place, written as Json)
  if (typeof reportingMs !== 'number' || !(reportingMs >= 0)) return refuse(`${place}.reportingMs`, 'is not a time')
  const byName = Object.entries(recordAt(`${place}.metrics`, metrics)).map(
    ([name, change]) => [name, compileChange(`${place}.metrics.${name}`, change)] as const,
  )
  return { byName: new Map(byName), reportingMs }
}

function compileChange(at: string, written: Json): MetricChange {
  const { disabled = false, removed = [], values = {} } = recordAt(at, written)
  if (typeof disabled !== 'boolean') return refuse(`${at}.disabled`, 'is neither true nor false')
  if (!Array.isArray(removed)) return refuse(`${at}.removed`, 'is no list')
  const labels = removed.map((label: Json) =>
    typeof label === 'string' ? label : refuse(`${at}.removed`, 'has more than names'),
  )
  return {
    disabled,
    removed: new Set(labels),
    values: new Map(
      Object.entries(recordAt(`${at}.values`, values)).map(
        ([label, value]) => [labelName(label), compileValue(`${at}.values.${label}`, value, 0)] as const,
      ),
    ),
  }
}

/** What Prometheus takes as the name of a label; as Envoy makes one. */
function labelName(written: string): string {
  return written.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_')
}

const maxDepth = 100

/** One expression; what is read here can be computed. */
function compileValue(at: string, written: Json | undefined, depth: number): ValueExpression {
  if (depth > maxDepth) return refuse(at, 'is too deep')
  const { constant, attribute, key, has, call, of, in: members } = recordAt(at, written)
  const each = (items: Json | undefined): ValueExpression[] =>
    Array.isArray(items)
      ? items.map((item: Json) => compileValue(at, item, depth + 1))
      : refuse(at, 'has no list of values')
  if (typeof constant === 'string' || typeof constant === 'number' || typeof constant === 'boolean') return { constant }
  if (members !== undefined) return { in: each(members) }
  if (typeof attribute === 'string') {
    if (!isValueAttribute(attribute)) return refuse(at, `the attribute ${attribute} is not known`)
    const keyed = typeof key === 'string'
    if (keyed !== (valueAttributes[attribute] === 'map'))
      return refuse(at, `${attribute} has ${keyed ? 'no keys' : 'keys'}`)
    return { attribute, ...(keyed ? { key } : {}), ...(keyed && has === true ? { has } : {}) }
  }
  if (typeof call !== 'string' || !isValueFunction(call)) return refuse(at, 'is not an expression that is known')
  const operands = each(of)
  if (operands.length !== valueFunctions[call]) return refuse(at, `${call} is applied to ${operands.length} values`)
  return { call, of: operands }
}

function recordAt(at: string, value: Json | undefined): JsonRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(at, 'is no object')
  return value as JsonRecord
}
