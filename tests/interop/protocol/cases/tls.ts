import { constants } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { testAuthority } from '../../../wire/test-certificates.ts'
import {
  end,
  type Family,
  get,
  head,
  pause,
  type ProtocolCase,
  type Step,
  type TlsCase,
  until,
} from '../protocol-case.ts'

const authority = await testAuthority()
const strangers = await testAuthority()
const inline = (inlineString: string): JsonObject => ({ inlineString })
const pem = async (issuer: typeof authority, ...names: string[]) => {
  const { certificateChainPem, privateKeyPem } = await issuer.issue(...names)
  return {
    context: { certificateChain: inline(certificateChainPem), privateKey: inline(privateKeyPem) },
    options: { cert: certificateChainPem, key: privateKeyPem },
  }
}
const server = await pem(authority, 'shop.example')
/** A resumed session does not tell which name was asked for. */
const noTickets = { secureOptions: constants.SSL_OP_NO_TICKET }
const other = await pem(authority, 'other.example')
const web = await pem(authority, 'spiffe://cluster.local/ns/x/sa/web')
const full = await pem(authority, 'spiffe://cluster.local/ns/x/sa/web', 'web.example', 'www.web.example')
const stranger = await pem(strangers, 'spiffe://cluster.local/ns/x/sa/web')
const roots = { trustedCa: inline(authority.rootPem) }

type Chain = NonNullable<TlsCase['chains']>[number]
/** A chain that shows the shop's certificate. */
const chain = (common: JsonObject = {}, more: JsonObject = {}, match?: JsonObject): Chain => ({
  ...(match === undefined ? {} : { match }),
  context: { commonTlsContext: { tlsCertificates: [server.context], ...common }, ...more },
})
const both = ['h2', 'http/1.1']
const versions = (least: string, most: string): JsonObject => ({
  tlsParams: { tlsMinimumProtocolVersion: least, tlsMaximumProtocolVersion: most },
})
const mutual = chain({ validationContext: roots }, { requireClientCertificate: true })

const tls = (
  name: string,
  chains: readonly Chain[],
  client: NonNullable<TlsCase['client']>,
  more: Partial<ProtocolCase> = {},
): ProtocolCase => ({
  name: `TLS: ${name}`,
  client: [get(), until('ok')],
  tls: { chains, client: { servername: 'shop.example', ...client } },
  ...more,
})
const h2Get: Step[] = [
  {
    headers: [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'shop'],
      [':path', '/'],
    ],
    ends: true,
  },
  { untilStream: 1, has: 'end' },
]
const byAlpn: Partial<ProtocolCase> = { client: h2Get, downstreamWire: 'h2', manager: { codecType: 'AUTO' } }

const towards = (
  name: string,
  context: JsonObject,
  options: NonNullable<TlsCase['upstream']>['server'] = {},
  more: Partial<ProtocolCase> = {},
): ProtocolCase => ({
  name: `TLS to the upstream: ${name}`,
  client: [get(), until('HTTP')],
  tls: { upstream: { context, server: { ...server.options, ...noTickets, ...options } } },
  ...more,
})
const verified = (more: JsonObject = {}): JsonObject => ({
  commonTlsContext: { validationContext: { ...roots, ...more }, ...versions('TLSv1_2', 'TLSv1_3') },
})
const named = (exact: string): JsonObject => ({
  matchTypedSubjectAltNames: [{ sanType: 'DNS', matcher: { exact } }],
})

/** Handshakes: what is agreed on, and who is turned away. */
export const tlsHandshakes: Family = {
  name: 'TLS',
  cases: [
    tls('HTTP/1.1 by ALPN', [chain({ alpnProtocols: both })], { ALPNProtocols: ['http/1.1'] }),
    tls('HTTP/2 by ALPN', [chain({ alpnProtocols: both })], { ALPNProtocols: both }, byAlpn),
    tls('the server prefers its first protocol', [chain({ alpnProtocols: ['http/1.1', 'h2'] })], {
      ALPNProtocols: both,
    }),
    tls('a client without ALPN', [chain({ alpnProtocols: both })], {}),
    tls('HTTP/2 without ALPN', [chain()], {}, byAlpn),
    tls('a server without ALPN', [chain()], { ALPNProtocols: both }),
    tls('no protocol in common', [chain({ alpnProtocols: both })], { ALPNProtocols: ['spdy/1'] }),
    tls(
      'HTTP/2 where HTTP/1.1 was agreed on',
      [chain({ alpnProtocols: both })],
      { ALPNProtocols: ['http/1.1'] },
      {
        ...byAlpn,
        client: [h2Get[0] as Step, pause(100)],
      },
    ),
    tls(
      'a chain by server name',
      [
        chain({}, {}, { serverNames: ['shop.example'] }),
        {
          match: { serverNames: ['other.example'] },
          context: { commonTlsContext: { tlsCertificates: [other.context] } },
        },
      ],
      {
        servername: 'other.example',
      },
    ),
    tls('a server name in capitals', [chain({}, {}, { serverNames: ['shop.example'] })], {
      servername: 'SHOP.example',
    }),
    tls('a server name that no chain has', [chain({}, {}, { serverNames: ['shop.example'] })], {
      servername: 'none.example',
    }),
    tls('a wildcard of server names', [chain({}, {}, { serverNames: ['*.example'] })], { servername: 'a.b.example' }),
    tls('no server name where one is asked for', [chain({}, { requireSni: true })], { servername: '' }),
    tls('no server name', [chain()], { servername: '' }),
    tls(
      'a chain by ALPN',
      [
        chain({ alpnProtocols: both }, {}, { applicationProtocols: ['h2'] }),
        {
          match: { applicationProtocols: ['http/1.1'] },
          context: { commonTlsContext: { tlsCertificates: [other.context], alpnProtocols: both } },
        },
      ],
      {
        ALPNProtocols: ['http/1.1'],
      },
    ),
    tls('TLS 1.3 alone, and a client of TLS 1.2', [chain(versions('TLSv1_3', 'TLSv1_3'))], { maxVersion: 'TLSv1.2' }),
    tls('TLS 1.2 alone, and a client of TLS 1.3', [chain(versions('TLSv1_2', 'TLSv1_2'))], { minVersion: 'TLSv1.3' }),
    tls('TLS 1.2', [chain(versions('TLSv1_2', 'TLSv1_2'))], {}),
    tls('TLS 1.1', [chain()], { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    tls(
      'no cipher in common',
      [chain({ tlsParams: { tlsMaximumProtocolVersion: 'TLSv1_2', cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256'] } })],
      {
        maxVersion: 'TLSv1.2',
        ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384',
      },
    ),
    tls('a client certificate that is asked for', [mutual], web.options),
    tls('no client certificate where one is asked for', [mutual], {}),
    tls('no client certificate where one is asked for, in TLS 1.2', [mutual], { maxVersion: 'TLSv1.2' }),
    tls("a stranger's client certificate", [mutual], stranger.options),
    tls("a stranger's client certificate where none is asked for", [chain()], stranger.options),
    tls(
      'a client certificate of another name',
      [
        chain(
          {
            validationContext: {
              ...roots,
              matchTypedSubjectAltNames: [
                { sanType: 'URI', matcher: { exact: 'spiffe://cluster.local/ns/x/sa/shop' } },
              ],
            },
          },
          { requireClientCertificate: true },
        ),
      ],
      web.options,
    ),
    tls('no client certificate where one is welcome', [chain({ validationContext: roots })], {}),
    tls(
      "a stranger's client certificate where one is welcome",
      [chain({ validationContext: roots })],
      stranger.options,
    ),
    tls('the certificate of the client is told to the upstream', [mutual], web.options, {
      client: [get('/', 'X-Forwarded-Client-Cert: By=evil\r\n'), until('ok')],
      manager: { forwardClientCertDetails: 'SANITIZE_SET', setCurrentClientCertDetails: { uri: true } },
    }),
    tls('all of the certificate of the client is told', [mutual], full.options, {
      manager: {
        forwardClientCertDetails: 'SANITIZE_SET',
        setCurrentClientCertDetails: { uri: true, dns: true, subject: true },
      },
    }),
    tls(
      'the client says goodbye and still hears',
      [chain()],
      {},
      {
        client: [get(), end, until('ok')],
        upstream: [[head, pause(50), 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']],
      },
    ),
    { ...tls('plaintext where TLS is spoken', [chain()], {}), tls: { chains: [chain()] }, client: [get(), pause(100)] },
    { ...tls('TLS where plaintext is spoken', [], {}), tls: { client: {} } },
    towards('a verified server', verified(named('shop.example'))),
    towards('a name is asked for', { ...verified(), sni: 'shop.example' }),
    towards('a server of another name', verified(named('other.example'))),
    towards('a server nobody trusts', {
      commonTlsContext: { validationContext: { trustedCa: inline(strangers.rootPem) } },
    }),
    towards('no verification', { commonTlsContext: versions('TLSv1_2', 'TLSv1_3') }),
    towards('no versions are said', { commonTlsContext: { validationContext: roots } }),
    towards(
      'a certificate of our own',
      {
        commonTlsContext: {
          tlsCertificates: [web.context],
          validationContext: roots,
          ...versions('TLSv1_2', 'TLSv1_3'),
        },
      },
      { requestCert: true, rejectUnauthorized: false },
    ),
    towards('a server of TLS 1.2', verified(), { maxVersion: 'TLSv1.2' }),
    towards(
      'a server of TLS 1.2 where 1.3 is asked for',
      { commonTlsContext: { validationContext: roots, ...versions('TLSv1_3', 'TLSv1_3') } },
      { maxVersion: 'TLSv1.2' },
    ),
    towards(
      'HTTP/1.1 is offered by ALPN',
      {
        commonTlsContext: { validationContext: roots, alpnProtocols: ['http/1.1'], ...versions('TLSv1_2', 'TLSv1_3') },
      },
      { ALPNProtocols: ['http/1.1'] },
    ),
    towards('the server is not one of TLS', verified(), {}, { upstream: 'refuses' }),
  ],
}
