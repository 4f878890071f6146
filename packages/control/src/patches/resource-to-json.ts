// What is sent, as people read it.
import { fromBinary, isMessage, type JsonValue, toJson } from '@bufbuild/protobuf'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { resourceSchemas } from '../generators/encode.ts'
import { patchRegistry } from './patch-registry.ts'

/** An encoded resource as JSON with .proto field names, with whatever EnvoyFilters put into it; private keys are left out. */
export function resourceToJson(type: string, body: Uint8Array): JsonValue {
  const schema = resourceSchemas[type]
  if (schema === undefined) throw new Error(`invariant violated: no schema for ${type}`)
  const message = fromBinary(schema, body)
  if (isMessage(message, SecretSchema) && message.type.case === 'tlsCertificate') delete message.type.value.privateKey
  return toJson(schema, message, { registry: patchRegistry, useProtoFieldName: true })
}
