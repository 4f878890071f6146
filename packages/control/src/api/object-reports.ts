// Configuration objects as the mesh holds them: defaults filled in, and with the status that it gives them.
import { objectKey } from '@weft/core'
import { definitionOf, type MeshObject } from '@weft/resources'
import type { MeshStatuses } from '../status/mesh-statuses.ts'
import type { ObjectReport } from './api-types.ts'

/** Which objects are asked for; what is left out narrows nothing. */
export interface ObjectQuery {
  /** `group/kind` (`core` for the empty group), any of these. */
  readonly kinds: readonly string[]
  readonly namespace?: string
  readonly name?: string
}

/** The objects asked for, sorted by key. */
export function objectReports(
  objects: readonly MeshObject[],
  statuses: MeshStatuses,
  { kinds, namespace, name }: ObjectQuery,
): ObjectReport[] {
  return objects
    .filter(({ id }) => kinds.includes(`${id.group === '' ? 'core' : id.group}/${id.kind}`))
    .filter(({ id }) => namespace === undefined || id.namespace === '' || id.namespace === namespace)
    .filter(({ id }) => name === undefined || id.name === name)
    .sort((a, b) => (objectKey(a.id) < objectKey(b.id) ? -1 : 1))
    .map((object) => objectReport(object, statuses.get(objectKey(object.id))))
}

function objectReport(object: MeshObject, status: object | undefined): ObjectReport {
  const { id, apiVersion, labels, annotations, createdAt, generation } = object
  const atTop = definitionOf(id)?.root === 'top'
  const fields = secretsHidden(object)
  const manifest = {
    apiVersion,
    kind: id.kind,
    metadata: {
      name: id.name,
      ...(id.namespace === '' ? {} : { namespace: id.namespace }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(createdAt === undefined ? {} : { creationTimestamp: createdAt }),
      ...(generation === undefined ? {} : { generation }),
    },
    ...(atTop ? fields : { spec: fields }),
    ...(status === undefined ? {} : { status }),
  }
  return { key: objectKey(id), position: object.positionOf(''), manifest }
}

/** The values of Secrets are nobody's to read here; their keys and sizes tell what is there. */
function secretsHidden({ id, spec }: MeshObject): object {
  if (id.group !== '' || id.kind !== 'Secret') return spec as object
  const hidden = (values: unknown): unknown =>
    typeof values === 'object' && values !== null
      ? Object.fromEntries(Object.entries(values).map(([key, value]) => [key, `<${String(value).length} characters>`]))
      : values
  const { data, stringData, ...rest } = spec as Readonly<Record<string, unknown>>
  return {
    ...rest,
    ...(data === undefined ? {} : { data: hidden(data) }),
    ...(stringData === undefined ? {} : { stringData: hidden(stringData) }),
  }
}
