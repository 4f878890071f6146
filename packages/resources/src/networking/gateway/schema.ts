// Schema of Istio's Gateway.
import {
  boolean,
  doc,
  duplicates,
  exactlyOne,
  type Finding,
  list,
  object,
  portNumber,
  refused,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { labels } from '../match-schema.ts'
import type { CertificateFiles, GatewayServer, ServerTls } from './types.ts'

const port = object(
  {
    number: doc('Port that is served; where a Service stands before the gateway, the port of the Service.', portNumber),
    name: doc('Name of the port.', text('dns-label')),
    protocol: doc(
      'What it speaks.',
      word(['HTTP', 'HTTPS', 'HTTP2', 'HTTP_PROXY', 'GRPC', 'GRPC-WEB', 'TLS', 'TCP', 'MONGO']),
    ),
    targetPort: doc('Old: port behind a load balancer.', refused('Write the port to bind in `number`.', portNumber)),
  },
  { required: ['number', 'name', 'protocol'] },
)

const tooOld = 'TLS before 1.2 is broken; write TLSV1_2 or TLSV1_3.'
const versions = ['TLS_AUTO', 'TLSV1_2', 'TLSV1_3']
const oldest = {
  ...word(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']),
  'x-pending-values': {
    TLSV1_0: { effect: 'clients that know nothing newer than TLS 1.1 are refused', proxies: 'weft' as const },
    TLSV1_1: { effect: 'clients that know nothing newer than TLS 1.1 are refused', proxies: 'weft' as const },
  },
}
const newest = word(versions, { TLSV1_0: tooOld, TLSV1_1: tooOld })

/** Suites of TLS 1.2 that gateways offer, by the names of OpenSSL; those of TLS 1.3 are not chosen. */
const suites = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
]

const files = {
  serverCertificate: doc('File of the certificate.', text('path')),
  privateKey: doc('File of the key.', text('path')),
  caCertificates: doc('File of the authorities that clients must be signed by.', text('path')),
}

const oneCredential = exactlyOne(['credentialName', 'credentialNames', 'tlsCertificates'], 0)

/** TLS of a server. */
const serverTls: Schema = object(
  {
    httpsRedirect: doc('Answers HTTP requests with a redirect to HTTPS.', boolean),
    mode: doc('Whether TLS ends here, and whether clients show a certificate.', {
      ...word(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']),
    }),
    ...files,
    caCrl: doc('File of revoked certificates, with a list of each authority of a chain.', text('path')),
    credentialName: doc('Secret with key and certificate.', text('not-empty')),
    credentialNames: doc(
      'Secrets with keys and certificates, one per kind of key.',
      list(text('not-empty'), { min: 1, max: 2 }),
    ),
    caCertCredentialName: doc('Secret with the authorities that clients must be signed by.', text('not-empty')),
    tlsCertificates: doc(
      'Files of several certificates, one per kind of key.',
      list(object(files), { min: 1, max: 2 }),
    ),
    subjectAltNames: doc('Names of which the certificate of a client must bear one.', list(text('not-empty'))),
    verifyCertificateSpki: doc('SHA-256 of the keys that clients may have, base64.', list(text('key-hash'))),
    verifyCertificateHash: doc(
      'SHA-256 of the certificates that clients may have, hexadecimal.',
      list(text('certificate-hash')),
    ),
    minProtocolVersion: doc('Oldest TLS version; TLS_AUTO is 1.2.', oldest),
    maxProtocolVersion: doc('Newest TLS version; TLS_AUTO is 1.3.', newest),
    cipherSuites: doc('Ciphers of TLS 1.2, by the names of OpenSSL.', list(word(suites), { check: checkSuites })),
    insecureSkipVerify: doc(
      'Turns the verification of clients off.',
      refused('Write mode: SIMPLE, which asks clients for nothing.', boolean),
    ),
  },
  { check: oneCredential },
)

/** TLS of a port of a sidecar: it ends there, and redirects are not its business. */
export const sidecarTls: Schema = {
  ...serverTls,
  properties: {
    ...serverTls.properties,
    httpsRedirect: doc(
      'Answers HTTP requests with a redirect to HTTPS.',
      refused('Write it in the server of a Gateway: a port of a sidecar with TLS takes nothing else.', boolean),
    ),
    mode: doc(
      'Whether clients show a certificate.',
      word(['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'], {
        PASSTHROUGH: 'TLS ends at the sidecar: write SIMPLE or MUTUAL, or remove `tls` where the application ends it.',
        AUTO_PASSTHROUGH: 'TLS ends at the sidecar: write SIMPLE or MUTUAL.',
        ISTIO_MUTUAL: 'Remove `tls`: a PeerAuthentication says how mutual TLS of the mesh is taken.',
      }),
    ),
  },
  required: ['mode'],
  'x-check': checkSidecarTls,
}

function* checkSidecarTls(tls: Partial<ServerTls>): Iterable<Finding> {
  yield* oneCredential(tls)
  if (tls.mode !== undefined) yield* checkTls(tls, 'TLS')
}

const server = object(
  {
    name: doc('Name of the server.', text('not-empty')),
    port: doc('Port that is served.', port),
    hosts: doc(
      'Names that are served, with wildcards; `namespace/` before one says whose VirtualServices may use it.',
      list(text('gateway-host'), { min: 1, check: (hosts: readonly string[]) => duplicates(hosts, 'host') }),
    ),
    tls: doc('TLS of the port.', serverTls),
    bind: doc('IP address to bind; the one of the workload unless written.', text('ip-address')),
    defaultEndpoint: doc('Where to send what no route takes.', refused('Remove the field.', text('not-empty'))),
  },
  { required: ['port', 'hosts'], check: checkServer },
)

/** Schema of `spec`. */
export const gatewaySchema: Schema = object(
  {
    selector: doc('Labels of the gateway workloads that serve it, in every namespace; none: all of them.', labels),
    servers: doc('What is served.', list(server, { min: 1, check: checkServers })),
  },
  { required: ['servers'] },
)

function* checkServers(servers: readonly GatewayServer[]): Iterable<Finding> {
  yield* duplicates(
    servers.map((each) => each.name),
    'name',
    ['name'],
  )
  const taken = new Map<string, number>()
  const portNames = new Map<string, number>()
  for (const [index, each] of servers.entries()) {
    const otherNumber = portNames.get(each.port.name)
    if (otherNumber !== undefined && otherNumber !== each.port.number) {
      const message = `repeats the port name ${JSON.stringify(each.port.name)} for another port`
      yield { at: [index, 'port', 'name'], code: 'duplicate', message, mend: 'Give each port a name of its own.' }
    }
    portNames.set(each.port.name, each.port.number)
    for (const [position, host] of each.hosts.entries()) {
      const key = `${each.bind ?? ''} ${each.port.number} ${host}`
      const first = taken.get(key)
      if (first !== undefined && first !== index) {
        const message = `${JSON.stringify(host)} on port ${each.port.number} is served by server ${first} already`
        const mend = 'Remove one of the two servers, or give it another port or host.'
        yield { at: [index, 'hosts', position], code: 'port-conflict', message, mend }
      }
      taken.set(key, first ?? index)
    }
  }
}

function* checkSuites(names: readonly string[]): Iterable<Finding> {
  for (const finding of duplicates(names, 'cipher')) yield { ...finding, severity: 'warning' }
}

function* checkServer({ port: { protocol }, tls }: Pick<GatewayServer, 'port' | 'tls'>): Iterable<Finding> {
  const secured = protocol === 'HTTPS' || protocol === 'TLS'
  if (secured && tls === undefined) {
    const mend = 'Add `tls` with a `mode`, or write protocol: HTTP or TCP.'
    yield { code: 'missing-field', message: `has no \`tls\`, which a port that speaks ${protocol} needs`, mend }
  }
  if (!secured && tls !== undefined && Object.keys(tls).some((field) => field !== 'httpsRedirect')) {
    const message = `says how to end TLS, but the port speaks ${protocol}`
    const mend = 'Write protocol: HTTPS or TLS, or keep only `httpsRedirect`.'
    yield { at: ['tls'], code: 'conflicting-fields', message, mend }
  }
  if (tls === undefined || !secured) return
  for (const finding of checkTls(tls, protocol)) yield { ...finding, at: ['tls', ...(finding.at ?? [])] }
}

const certificateFields = [
  'serverCertificate',
  'privateKey',
  'caCertificates',
  'credentialName',
  'credentialNames',
  'caCertCredentialName',
  'tlsCertificates',
] as const

function* checkTls(tls: Partial<ServerTls>, protocol: string): Iterable<Finding> {
  const { mode = 'PASSTHROUGH', minProtocolVersion: min = 'TLS_AUTO', maxProtocolVersion: max = 'TLS_AUTO' } = tls
  if (max === 'TLSV1_2' && min === 'TLSV1_3') {
    const mend = 'Write the older of the two in `minProtocolVersion`.'
    yield { at: ['minProtocolVersion'], code: 'out-of-range', message: 'is above `maxProtocolVersion`', mend }
  }
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH' || mode === 'ISTIO_MUTUAL') {
    for (const field of certificateFields) {
      if (tls[field] === undefined) continue
      const why = mode === 'ISTIO_MUTUAL' ? 'the certificates of the mesh are used' : 'TLS does not end here'
      const message = `has no effect with mode ${mode}: ${why}`
      yield { at: [field], code: 'conflicting-fields', message, mend: 'Remove it, or write mode: SIMPLE or MUTUAL.' }
    }
    if (tls.httpsRedirect === true && mode !== 'ISTIO_MUTUAL' && protocol === 'HTTPS') {
      const message = 'has no effect where TLS does not end'
      const mend = 'Write it in the server of the HTTP port.'
      yield { at: ['httpsRedirect'], severity: 'warning', code: 'no-effect', message, mend }
    }
    return
  }
  yield* checkCertificates(tls, mode)
}

/** A server that ends TLS needs a certificate; one that asks for clients' needs who signed those. */
function* checkCertificates(tls: Partial<ServerTls>, mode: string): Iterable<Finding> {
  const secret = tls.credentialName !== undefined || tls.credentialNames !== undefined
  const pairs = tls.tlsCertificates?.map((pair, index) => ({ pair, at: ['tlsCertificates', index] as const })) ?? []
  if (!secret && pairs.length === 0) yield* checkPair(tls, [])
  for (const { pair, at } of pairs) yield* checkPair(pair, at)
  if (mode === 'SIMPLE') {
    if (tls.subjectAltNames !== undefined) {
      const message = 'has no effect with mode SIMPLE, which asks clients for no certificate'
      yield { at: ['subjectAltNames'], severity: 'warning', code: 'no-effect', message, mend: 'Write mode: MUTUAL.' }
    }
    return
  }
  const authorities = tls.caCertificates !== undefined || tls.caCertCredentialName !== undefined
  if (secret || authorities || pairs.some(({ pair }) => pair.caCertificates !== undefined)) return
  const message = `has neither \`caCertificates\` nor a secret with authorities, by which mode ${mode} verifies clients`
  yield { code: 'missing-field', message, mend: 'Add `caCertificates`, `caCertCredentialName` or `credentialName`.' }
}

function* checkPair(pair: CertificateFiles, at: readonly (string | number)[]): Iterable<Finding> {
  for (const field of ['serverCertificate', 'privateKey'] as const) {
    if ((pair[field] ?? '') !== '') continue
    const mend = 'Add `serverCertificate` and `privateKey`, or `credentialName`.'
    yield { at, code: 'missing-field', message: `has no \`${field}\`, which ends TLS`, mend }
  }
}
