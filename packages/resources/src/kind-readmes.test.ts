// Each kind's README lists its fields between two markers; UPDATE_GOLDEN=1 rewrites the lists from the schemas.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiVersionsOf, definitionsOf } from './definitions.ts'
import type { Schema } from './schema/schema.ts'

const folders: Readonly<Record<string, string>> = {
  Service: 'core/service',
  Workload: 'weft/workload',
}

const begin = '<!-- fields: written by kind-readmes.test.ts -->'
const end = '<!-- end of fields -->'

for (const [kind, folder] of Object.entries(folders)) {
  test(`the README of ${kind} lists exactly the fields of its schema`, () => {
    const [definition] = definitionsOf(kind)
    assert.ok(definition !== undefined)
    const path = join(import.meta.dirname, folder, 'README.md')
    const readme = readFileSync(path, 'utf8')
    const [head, rest = ''] = readme.split(begin)
    const tail = rest.split(end)[1]
    assert.ok(tail !== undefined, 'the markers are there')
    const refused = refusedFields('spec', definition.spec)
    const list = [
      `API versions: ${apiVersionsOf(definition).join(', ')}.`,
      '',
      '| field | value |',
      '| --- | --- |',
      ...fieldRows('spec', definition.spec),
      '',
      refused.length === 0 ? '' : `Refused by name: ${refused.join(', ')}.`,
    ]
    const expected = `${head}${begin}\n${list.join('\n').trim()}\n${end}${tail}`
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, expected)
    assert.equal(unpadded(readFileSync(path, 'utf8')), unpadded(expected))
  })
}

/** Tables without what a formatter does to their columns. */
function unpadded(markdown: string): string {
  return markdown.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---')
}

function fieldRows(path: string, schema: Schema): string[] {
  const rows: string[] = []
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const required = schema.required?.includes(name) === true ? ', required' : ''
    const { suffix, leaf } = unwrap(field)
    const at = `${path}.${name}${suffix}`
    const inner = fieldRows(at, leaf)
    rows.push(
      ...(inner.length > 0 && required === '' ? inner : [`| \`${at}\` | ${valueOf(leaf)}${required} |`, ...inner]),
    )
  }
  return rows
}

function refusedFields(path: string, schema: Schema): string[] {
  const own = Object.keys(schema['x-unsupported'] ?? {}).map((name) => `\`${path}.${name}\``)
  const values = Object.keys(schema['x-unsupported-values'] ?? {}).map((word) => `\`${path}: ${word}\``)
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const { suffix, leaf } = unwrap(field)
    return refusedFields(`${path}.${name}${suffix}`, leaf)
  })
  return [...own, ...values, ...below]
}

function unwrap(schema: Schema): { readonly suffix: string; readonly leaf: Schema } {
  if (schema.items !== undefined) {
    const inner = unwrap(schema.items)
    return { suffix: `[]${inner.suffix}`, leaf: inner.leaf }
  }
  if (typeof schema.additionalProperties === 'object') {
    const inner = unwrap(schema.additionalProperties)
    return {
      suffix: `.<${(schema.propertyNames?.format ?? 'name').replace('not-empty', 'name')}>${inner.suffix}`,
      leaf: inner.leaf,
    }
  }
  return { suffix: '', leaf: schema }
}

function valueOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.join(', ')
  if (schema.properties !== undefined) return 'fields'
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type)
  const bounds = schema.minimum === undefined ? '' : `, ${schema.minimum} to ${schema.maximum}`
  const format = schema.format
  if (format === 'no-nul') return 'text'
  if (format === 'not-empty') return 'text, not empty'
  return format === undefined ? `${type}${bounds}` : format.replaceAll('-', ' ')
}
