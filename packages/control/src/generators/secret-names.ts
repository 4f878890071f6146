// Secrets that people wrote, as resources.
import type { SdsSecretConfigSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { secretSource } from './config-source.ts'
import type { Init } from './init.ts'

/** Name of the SDS resource with key and certificate of a `credentialName`. */
export function certificateSecret(name: string): string {
  return `kubernetes://${name}`
}

/** Name of the SDS resource with the authorities of a `credentialName`. */
export function authoritiesSecret(name: string): string {
  return `kubernetes://${name}-cacert`
}

/** Where a proxy gets one from. */
export function secretConfig(name: string): Init<typeof SdsSecretConfigSchema> {
  return { name, sdsConfig: secretSource() }
}
