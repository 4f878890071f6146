// The kind Secret (v1). Its values are sealed as soon as they are read.
import { contentHash } from '../../content-hash.ts'
import { defineKind } from '../../kind-definition.ts'
import { boolean, context, doc, type Finding, mapOf, object, secretText, text } from '../../schema/schema.ts'
import { Sealed } from './sealed.ts'

/** A Secret as read. */
export interface SecretSpec {
  readonly type: string
  /** Decoded; `stringData` is part of it. Bytes that are no UTF-8 are replaced: the mesh reads PEM only. */
  readonly data: Readonly<Record<string, Sealed>>
  /** Names the content, so that a change of a sealed value is a change of the object. */
  readonly digest: string
}

interface WrittenSecret {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const spec = object(
  {
    type: doc('What it holds: `kubernetes.io/tls` has `tls.crt` and `tls.key`.', text()),
    data: doc('Values by name, in base64.', mapOf({ ...secretText, 'x-check': checkBase64 }, 'file-key')),
    stringData: doc('Values by name, as they are; they go before those of `data`.', mapOf(secretText, 'file-key')),
    immutable: context('Whether it may be changed.', boolean),
  },
  { check: checkTls },
)

function* checkBase64(value: string): Iterable<Finding> {
  if (base64.test(value.replace(/\s/g, ''))) return
  yield { code: 'bad-format', message: 'is not base64', mend: 'Encode it in base64, or write it in `stringData`.' }
}

function* checkTls(secret: WrittenSecret): Iterable<Finding> {
  if (secret.type !== 'kubernetes.io/tls') return
  for (const name of ['tls.crt', 'tls.key']) {
    if (secret.data?.[name] !== undefined || secret.stringData?.[name] !== undefined) continue
    const message = `has no \`${name}\`, which type kubernetes.io/tls needs`
    yield { at: ['data'], code: 'missing-field', message, mend: `Add \`${name}\`.` }
  }
}

function decoded(value: string): string {
  const bytes = Uint8Array.from(atob(value.replace(/\s/g, '')), (char) => char.charCodeAt(0))
  return new TextDecoder().decode(bytes)
}

/** Kubernetes' Secret. */
export const secretKind = defineKind({
  kind: 'Secret',
  versions: ['v1'],
  root: 'top',
  names: ['secrets'],
  shownBy: 'control/golden/gateway-api/tls',
  description: 'Certificates and keys of gateways and backends.',
  spec,
  withDefaults: (written) => {
    const { type = 'Opaque', data = {}, stringData = {} } = written as WrittenSecret
    const entries = [
      ...Object.entries(data).map(([name, value]) => [name, decoded(value)] as const),
      ...Object.entries(stringData),
    ]
    const digest = contentHash(entries)
    return { type, data: Object.fromEntries(entries.map(([name, value]) => [name, new Sealed(value)])), digest }
  },
})
