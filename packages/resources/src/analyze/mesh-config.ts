// The settings of a mesh, which Istio keeps as YAML in a ConfigMap.
import { readDocuments } from '../parse/read-documents.ts'
import type { MeshView } from './mesh-view.ts'
import { topic } from './topics.ts'
import { dig, type Fields, fieldsOf, textOf, type WrittenObject } from './written-object.ts'

const parsed = new WeakMap<WrittenObject, Map<string, Fields>>()

/** MeshConfig: an object of that kind, or what the ConfigMap `istio` of istio-system says. */
export function meshConfigOf(mesh: MeshView): Fields {
  const [own] = mesh.at(topic.kind('MeshConfig'))
  const [grouped] = mesh.at(topic.kind('MeshConfig.mesh.istio.io'))
  const object = own ?? grouped
  if (object !== undefined) return { ...object.body, ...object.spec }
  const map = mesh.one('ConfigMap', 'istio-system/istio')
  return map === undefined ? {} : yamlIn(map, 'mesh')
}

/** A text of a ConfigMap, read as YAML (JSON); nothing when it is not. */
export function yamlIn(map: WrittenObject, name: string): Fields {
  let texts = parsed.get(map)
  if (texts === undefined) parsed.set(map, (texts = new Map()))
  let value = texts.get(name)
  if (value === undefined) {
    value = fieldsOf(readDocuments('', { text: textOf(dig(map.body, 'data', name)), firstLine: 1 }).documents[0]?.value)
    texts.set(name, value)
  }
  return value
}
