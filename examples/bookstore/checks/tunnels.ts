// TCP between proxies goes in CONNECT streams to port 15008: who may open one, proven by opening them oneself.
import { connect, type ClientHttp2Session } from 'node:http2'
import type { Check, CheckContext, CheckOutcome } from './check-context.ts'
import { accessOf, idOf } from './identity.ts'
import type { IssuedIdentity, IssueOptions, MeshInstance } from './mesh-access.ts'

const tunnelPort = 15008
const timeoutMs = 4_000

const visitors: readonly { readonly name: string; readonly expected: string; readonly issue: IssueOptions }[] = [
  { name: 'orders’ id through a tunnel to inventory', expected: 'PONG', issue: { uris: [idOf('orders')] } },
  { name: 'web’s id, not allowed, through a tunnel', expected: '403', issue: { uris: [idOf('web')] } },
  {
    name: 'a foreign CA’s certificate at the tunnels’ port',
    expected: 'nothing',
    issue: { uris: [idOf('orders')], signedBy: 'stranger' },
  },
  {
    name: 'a foreign trust domain at the tunnels’ port',
    expected: 'nothing',
    issue: { uris: [idOf('orders').replace('cluster.local', 'elsewhere.example')] },
  },
]

export const tunnelChecks: readonly Check[] = visitors.map(({ name, expected, issue }) => ({
  name,
  expected,
  needs: 'mesh',
  run: (context) => visit(context, issue, expected),
}))

async function visit(context: CheckContext, issue: IssueOptions, expected: string): Promise<CheckOutcome> {
  const mesh = accessOf(context)
  const instance = (await mesh.instances()).find(({ labels, ready }) => labels['app'] === 'inventory' && ready)
  const port = instance?.ports.find(({ name }) => name === 'tcp')?.port
  if (instance === undefined || port === undefined) return { seen: 'no inventory', ok: false }
  const seen = await ping(instance, port, await mesh.issue(issue))
  return { seen, ok: seen === expected }
}

/** What comes back for PING through a tunnel: the answer, the status that refused the tunnel, or `nothing`. */
async function ping(instance: MeshInstance, port: number, identity: IssuedIdentity): Promise<string> {
  const session = connect(`https://${instance.address}:${tunnelPort}`, {
    ...identity,
    minVersion: 'TLSv1.3',
    // SPIFFE servers have no host name; that the chain leads to the mesh's root is still verified.
    checkServerIdentity: () => undefined,
  })
  try {
    return await answerTo(session, `${instance.address}:${port}`)
  } finally {
    session.destroy()
  }
}

function answerTo(session: ClientHttp2Session, authority: string): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('silence'), timeoutMs).unref()
    session.on('error', () => resolve('nothing'))
    session.on('close', () => resolve('nothing'))
    const stream = session.request({ ':method': 'CONNECT', ':authority': authority })
    stream.on('error', () => resolve('nothing'))
    stream.on('response', ({ ':status': status }) => {
      if (status === 200) stream.write('PING\n')
      else resolve(String(status))
    })
    stream.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').trim()))
  })
}
