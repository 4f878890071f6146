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
import type { GatewayServer } from './types.ts'

const noTls = 'Use HTTP.'
const onlyHttp = 'Gateways serve HTTP for now.'

const port = object(
  {
    number: doc('Port that is served.', portNumber),
    name: doc('Name of the port.', text('dns-label')),
    protocol: doc(
      'What it speaks.',
      word(['HTTP'], {
        HTTPS: noTls,
        TLS: noTls,
        GRPC: onlyHttp,
        'GRPC-WEB': onlyHttp,
        HTTP2: onlyHttp,
        HTTP_PROXY: onlyHttp,
        TCP: onlyHttp,
        MONGO: onlyHttp,
      }),
    ),
    targetPort: doc('Old: port behind a load balancer.', refused('Write the port to bind in `number`.', portNumber)),
  },
  { required: ['number', 'name', 'protocol'] },
)

const version = word(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'])
const files = {
  serverCertificate: doc('File of the certificate.', text('path')),
  privateKey: doc('File of the key.', text('path')),
  caCertificates: doc('File of the authorities that clients must be signed by.', text('path')),
}

/** TLS of a server. */
export const serverTls: Schema = object(
  {
    httpsRedirect: doc('Answers HTTP requests with a redirect to HTTPS.', boolean),
    mode: doc(
      'Whether TLS ends here, and whether clients show a certificate.',
      word(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']),
    ),
    ...files,
    caCrl: doc('File of revoked certificates.', text('path')),
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
    verifyCertificateSpki: doc('Hashes of keys that clients may have.', list(text('not-empty'))),
    verifyCertificateHash: doc('Hashes of certificates that clients may have.', list(text('not-empty'))),
    minProtocolVersion: doc('Oldest TLS version.', version),
    maxProtocolVersion: doc('Newest TLS version.', version),
    cipherSuites: doc('Ciphers, by the names of OpenSSL.', list(text('not-empty'))),
    insecureSkipVerify: doc('Turns the verification of clients off.', boolean),
  },
  { check: exactlyOne(['credentialName', 'credentialNames', 'tlsCertificates'], 0) },
)

const server = object(
  {
    name: doc('Name of the server.', text('not-empty')),
    port: doc('Port that is served.', port),
    hosts: doc(
      'Names that are served, with wildcards; `namespace/` before one says whose VirtualServices may use it.',
      list(text('gateway-host'), { min: 1, check: (hosts: readonly string[]) => duplicates(hosts, 'host') }),
    ),
    tls: doc('TLS of the port.', refused(noTls, serverTls)),
    bind: doc(
      'Address to bind.',
      refused("The gateway workload's `address` says where it binds; remove the field.", text('not-empty')),
    ),
    defaultEndpoint: doc('Where to send what no route takes.', refused('Remove the field.', text('not-empty'))),
  },
  { required: ['port', 'hosts'] },
)

/** Schema of `spec`. */
export const gatewaySchema: Schema = object(
  {
    selector: doc('Labels of the gateway workloads that serve it, in every namespace.', {
      ...labels,
      minProperties: 1,
    }),
    servers: doc('What is served.', list(server, { min: 1, check: checkServers })),
  },
  { required: ['selector', 'servers'] },
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
      const key = `${each.port.number} ${host}`
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
