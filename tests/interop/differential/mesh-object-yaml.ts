// What generated objects have in common.

/** A Kubernetes-style object. */
export type MeshObjectYaml = Readonly<Record<string, unknown>>

/** The host whose answer is the version of the mesh. */
export const versionHost = 'version.test'
/** The path that is asked for there. */
export const versionPath = '/version-of-mesh'
/** The header that `target` denies by when it carries the version. */
export const versionHeader = 'x-mesh-version'

/** One object in namespace `default`. */
export function object(apiVersion: string, kind: string, name: string, spec: unknown): MeshObjectYaml {
  return { apiVersion, kind, metadata: { name, namespace: 'default' }, spec }
}
