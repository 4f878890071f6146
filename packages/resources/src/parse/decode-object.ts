// One raw value to one object: identity, validation, defaults, hash.
import { type ObjectId, objectKey, type Position } from '@weft/core'
import { contentHash } from '../content-hash.ts'
import { apiVersionsOf, definitionsOf, writtenKinds } from '../definitions.ts'
import { fieldPath, type PathStep } from '../field-path.ts'
import { fieldsOfVersion, type KindDefinition, versionOf, type WrittenSpec } from '../kind-definition.ts'
import { groupOfKind, writtenKind } from '../kinds.ts'
import type { MeshObject, Problem } from '../mesh-object.ts'
import { applyDefaults } from '../schema/apply-defaults.ts'
import { checkSchema } from '../schema/check-schema.ts'
import { atTheDoor, type DataPlane, pendingFinding, refusedOnWeftFinding } from '../schema/describe-effect.ts'
import { didYouMean } from '../schema/did-you-mean.ts'
import { shown } from '../schema/shaped.ts'
import type { LocatedFinding } from '../schema/schema.ts'
import { isContextKind } from './context-kinds.ts'
import { documentSchema } from './metadata-schema.ts'
import { type LineTable, type PlaceNode, placeOf, positionLookup } from './positions.ts'

/** A value of a file that should be an object. */
export interface RawObject {
  readonly value: unknown
  readonly place: PlaceNode
  readonly lines: LineTable
}

/** The outcome: no `id` when it cannot be told which object this is, no `object` when it has errors. */
export interface DecodedObject {
  readonly id: ObjectId | undefined
  /** `objectKey` of the id. */
  readonly key: string | undefined
  readonly object: MeshObject | undefined
  readonly problems: readonly Problem[]
  readonly position: Position
  /** `spec.selector` where it can be read in spite of errors: `matchLabels` of security kinds. */
  readonly selector: Readonly<Record<string, string>> | undefined
}

/** Validates one raw object; reports everything that is wrong with it. Never throws. */
export function decodeObject(raw: RawObject, dataPlane: DataPlane): DecodedObject {
  const position = raw.lines.at(raw.place.offset)
  const failed = (problems: readonly LocatedFinding[], id?: ObjectId): DecodedObject => ({
    id,
    key: id && objectKey(id),
    object: undefined,
    problems: problems.map((finding) => asProblem(finding, raw, id)),
    position,
    selector: readableSelector(raw.value),
  })
  const kind = kindOf(raw.value)
  if (!kind.ok) return failed(isContext(raw.value) ? [] : [kind.finding])
  const id = identify(kind.definition, raw.value)
  const written = withSpec(kind.definition, raw.value as WrittenDocument)
  const schema = documentSchema(kind.definition, written.apiVersion)
  const value = applyDefaults(schema, written) as WrittenDocument
  const found = [...findingsOfKind(kind.definition), ...checkSchema(schema, value, written)]
  const findings = atTheDoor(found, dataPlane)
  if (id === undefined || findings.some(isError)) return failed(findings, id)
  return { ...failed(findings, id), object: freeze(kind.definition, id, value, raw) }
}

/** A document whose `spec` is left out has an empty one. */
function withSpec(definition: KindDefinition, written: WrittenDocument): WrittenDocument {
  const { root } = fieldsOfVersion(definition, written.apiVersion)
  return root === 'top' || written.spec !== undefined ? written : { ...written, spec: {} }
}

function findingsOfKind({ kind, refused, refusedOnWeft, pending }: KindDefinition): LocatedFinding[] {
  if (refusedOnWeft !== undefined) return [refusedOnWeftFinding(['kind'], refusedOnWeft)]
  if (refused !== undefined) {
    const message = `${writtenKind(kind)} is not enforced by Weft yet`
    return [{ at: ['kind'], code: 'unsupported-kind', message, mend: refused }]
  }
  return pending === undefined ? [] : [pendingFinding(['kind'], pending)]
}

function isContext(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { apiVersion, kind } = value as Readonly<Record<string, unknown>>
  return isContextKind(apiVersion, kind)
}

interface WrittenDocument {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata?: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly creationTimestamp?: unknown
    readonly generation?: unknown
  }
  readonly spec?: object
}

function freeze(definition: KindDefinition, id: ObjectId, value: WrittenDocument, raw: RawObject): MeshObject {
  const labels = value.metadata?.labels ?? {}
  const annotations = value.metadata?.annotations ?? {}
  const spec = definition.withDefaults(fieldsOf(definition, value), versionOf(value.apiVersion))
  const createdAt = value.metadata?.creationTimestamp
  const created = typeof createdAt === 'string' ? { createdAt } : {}
  const generation = value.metadata?.generation
  const generated = typeof generation === 'number' ? { generation } : {}
  const hash = contentHash({ id, labels, annotations, spec, ...created })
  const positionOf = positionLookup(raw.place, raw.lines)
  return { id, apiVersion: value.apiVersion, labels, annotations, spec, hash, positionOf, ...created, ...generated }
}

function fieldsOf(definition: KindDefinition, value: WrittenDocument): WrittenSpec {
  if (fieldsOfVersion(definition, value.apiVersion).root === 'spec') return value.spec ?? {}
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...fields } = value
  return fields
}

type KindOutcome =
  | { readonly ok: true; readonly definition: KindDefinition }
  | { readonly ok: false; readonly finding: LocatedFinding }

function kindOf(value: unknown): KindOutcome {
  const refuse = (at: PathStep[], code: string, message: string, mend: string): KindOutcome => ({
    ok: false,
    finding: { at, code, message, mend },
  })
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse([], 'not-an-object', 'is not an object', 'Begin it with apiVersion, kind and metadata.')
  }
  const { apiVersion, kind } = value as Readonly<Record<string, unknown>>
  if (typeof kind !== 'string' || kind === '') {
    const mend = `Add one of ${writtenKinds().join(', ')}.`
    return refuse(kind === undefined ? [] : ['kind'], 'missing-field', 'has no `kind`', mend)
  }
  const candidates = definitionsOf(kind)
  if (candidates.length === 0) {
    const meant = didYouMean(kind, writtenKinds())
    const mend = meant === undefined ? `Remove it; Weft knows ${writtenKinds().join(', ')}.` : `Did you mean ${meant}?`
    return refuse(['kind'], 'unknown-kind', `${shown(kind)} is not a kind Weft knows`, mend)
  }
  const versions = candidates.flatMap(apiVersionsOf)
  if (typeof apiVersion !== 'string') {
    const at = apiVersion === undefined ? [] : ['apiVersion']
    const mend = `Add apiVersion: ${candidates.map((each) => apiVersionsOf(each)[0]).join(' or ')}.`
    return refuse(at, 'missing-field', 'has no `apiVersion`', mend)
  }
  const definition = candidates.find((each) => apiVersionsOf(each).includes(apiVersion))
  if (definition !== undefined) return { ok: true, definition }
  const message = `${shown(apiVersion)} is not an apiVersion of ${kind}`
  return refuse(['apiVersion'], 'unknown-api-version', message, `Write ${versions.join(' or ')}.`)
}

function identify(definition: KindDefinition, value: unknown): ObjectId | undefined {
  const metadata = (value as { readonly metadata?: unknown }).metadata
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const { name, namespace: written = 'default' } = metadata as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || name === '' || typeof written !== 'string') return undefined
  const namespace = definition.scope === 'cluster' ? '' : written
  return { cluster: '', group: groupOfKind[definition.kind], kind: writtenKind(definition.kind), namespace, name }
}

function readableSelector(value: unknown): Readonly<Record<string, string>> | undefined {
  const spec = (value as { readonly spec?: { readonly selector?: unknown } } | null)?.spec
  if (typeof spec !== 'object' || spec === null) return undefined
  if (spec.selector === undefined) return {}
  const labels = (spec.selector as { readonly matchLabels?: unknown } | null)?.matchLabels
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined
  const readable = Object.values(labels).every((label) => typeof label === 'string')
  return readable ? (labels as Record<string, string>) : undefined
}

function isError(finding: LocatedFinding): boolean {
  return (finding.severity ?? 'error') === 'error'
}

function asProblem(finding: LocatedFinding, raw: RawObject, id: ObjectId | undefined): Problem {
  return {
    severity: finding.severity ?? 'error',
    code: finding.code,
    message: finding.message,
    position: raw.lines.at(placeOf(raw.place, finding.at)),
    objectId: id,
    field: fieldPath(finding.at),
    mend: finding.mend,
  }
}
