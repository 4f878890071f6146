// Who may speak to whom, proven from outside: by coming to the listeners oneself, with certificates of every wrong kind.
import type { Check, CheckContext, CheckOutcome } from './check-context.ts'
import { speakTo, summary, type Approach } from './listener-dialogue.ts'
import type { MeshAccess, MeshInstance } from './mesh-access.ts'

/** The SPIFFE id of a service account of the shop. */
export const idOf = (serviceAccount: string): string => `spiffe://cluster.local/ns/bookstore/sa/${serviceAccount}`

type MakeApproach = (mesh: MeshAccess, instance: MeshInstance) => Promise<Approach>

// Each wrong visitor claims to be whom the listener would let in, so that only the flaw under test can be the reason to refuse.
const wrongVisitors: readonly { readonly name: string; readonly approach: MakeApproach }[] = [
  { name: 'plaintext', approach: async () => ({ kind: 'plaintext' }) },
  {
    name: 'TLS without a certificate',
    approach: async (mesh) => ({ kind: 'tls', identity: { ca: (await mesh.issue({ uris: [idOf('web')] })).ca } }),
  },
  {
    name: 'a certificate of a foreign CA',
    approach: async (mesh, instance) => {
      const identity = await mesh.issue({ uris: [idOf(callerOf(instance))], signedBy: 'stranger' })
      return { kind: 'tls', identity }
    },
  },
  {
    name: 'an id of a foreign trust domain',
    approach: async (mesh, instance) => {
      const uri = idOf(callerOf(instance)).replace('cluster.local', 'elsewhere.example')
      return { kind: 'tls', identity: await mesh.issue({ uris: [uri] }) }
    },
  },
  {
    name: 'a certificate of ours without a SPIFFE id',
    approach: async (mesh) => ({ kind: 'tls', identity: await mesh.issue({ dnsNames: ['web.bookstore.svc'] }) }),
  },
]

export const identityChecks: readonly Check[] = [
  ...wrongVisitors.map(({ name, approach }) => ({
    name: `${name}, everywhere`,
    expected: 'no answer from any',
    needs: 'mesh' as const,
    run: (context: CheckContext) => refusedEverywhere(context, approach),
  })),
  {
    name: 'web’s id at catalog',
    expected: '200',
    needs: 'mesh',
    run: (context) => seenAs(context, { caller: 'web', app: 'catalog', expected: '200' }),
  },
  {
    name: 'payments’ id, known but not allowed, at catalog',
    expected: '403',
    needs: 'mesh',
    run: (context) => seenAs(context, { caller: 'payments', app: 'catalog', expected: '403' }),
  },
  {
    name: 'orders’ id at inventory (TCP)',
    expected: 'PONG',
    needs: 'mesh',
    run: (context) => seenAs(context, { caller: 'orders', app: 'inventory', expected: 'PONG' }),
  },
  {
    name: 'web’s id, not allowed, at inventory (TCP)',
    expected: 'nothing',
    needs: 'mesh',
    run: (context) => seenAs(context, { caller: 'web', app: 'inventory', expected: 'nothing' }),
  },
]

async function refusedEverywhere(context: CheckContext, make: MakeApproach): Promise<CheckOutcome> {
  const mesh = accessOf(context)
  const instances = (await mesh.instances()).filter((instance) => instance.proxy === 'sidecar')
  const answered: string[] = []
  for (const instance of instances) {
    const outcome = await speakTo(instance, await make(mesh, instance))
    // Silence is no refusal: the listener has to end the conversation.
    if (outcome.answer !== '' || outcome.end === 'silence') answered.push(`${instance.name}: ${summary(outcome)}`)
  }
  const seen = answered.length === 0 ? `no answer from any of ${instances.length}` : answered.join(', ')
  return { seen, ok: answered.length === 0 && instances.length >= 8 }
}

interface Expectation {
  readonly caller: string
  readonly app: string
  readonly expected: string
}

async function seenAs(context: CheckContext, { caller, app, expected }: Expectation): Promise<CheckOutcome> {
  const mesh = accessOf(context)
  const instance = (await mesh.instances()).find(({ labels, ready }) => labels['app'] === app && ready)
  if (instance === undefined) return { seen: `no instance of ${app}`, ok: false }
  const identity = await mesh.issue({ uris: [idOf(caller)] })
  const seen = summary(await speakTo(instance, { kind: 'tls', identity }, '/books'))
  return { seen, ok: seen.startsWith(expected) }
}

// Whom security.yaml lets call a workload.
function callerOf(instance: MeshInstance): string {
  const app = instance.labels['app'] ?? ''
  if (app === 'web') return 'gateway'
  return app === 'payments' || app === 'inventory' || app === 'delivery' ? 'orders' : 'web'
}

/** The access `--check` hands in; throws without it. */
export function accessOf(context: CheckContext): MeshAccess {
  if (context.mesh === undefined) throw new Error('this check needs access to the mesh, which nobody handed in')
  return context.mesh
}
