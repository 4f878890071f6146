// What a policy may hold for at a workload that serves several Gateways: each chain has the policies of its Gateways, and no others.
import { originOf } from '@weft/core'
import { targetsNamedBy, type Selection } from '@weft/resources'
import type { GeneratorProblem } from '../generators/generator.ts'
import type { Ref, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { type Authorization, authorizationOf, type Enforcer, type SelectedPolicies } from './authorization.ts'
import { namesGateway, namesServices, type TargetGateway } from './workload-selection.ts'

interface Context {
  readonly trustDomain: string
  readonly rootNamespace: string
  readonly enforcer: Enforcer
}

type AttachedGateway = TargetGateway & Ref

/** The policies of a gateway workload, by the Gateways behind a chain. */
export class GatewayAuthorizations {
  readonly #selected: SelectedPolicies
  readonly #context: Context
  readonly #made = new Map<string, Authorization>()
  readonly #problems = new Map<string, GeneratorProblem>()

  constructor(selected: SelectedPolicies, context: Context) {
    this.#selected = selected
    this.#context = context
  }

  /** What was found about all that was asked for, each once. */
  get problems(): GeneratorProblem[] {
    return [...this.#problems.values()]
  }

  /** The rules of a chain behind which these Gateways are. */
  of(protocol: 'http' | 'tcp', gateways: readonly AttachedGateway[]): Authorization {
    const key = `${protocol} ${[...new Set(gateways.map((gateway) => gateway.key))].sort().join(' ')}`
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const { trustDomain, enforcer } = this.#context
    const { authentications, policies, unenforceable } = this.#selected
    const chosen = {
      authentications: this.#holding(authentications, gateways),
      policies: this.#holding(policies, gateways),
      unenforceable,
    }
    const made = authorizationOf(chosen, protocol, trustDomain, enforcer)
    for (const problem of made.problems) this.#tell(problem)
    this.#made.set(key, made)
    return made
  }

  #holding<S extends Selection>(
    policies: readonly SnapshotObject<S>[],
    gateways: readonly AttachedGateway[],
  ): SnapshotObject<S>[] {
    const { rootNamespace } = this.#context
    return policies.filter(({ id, spec }) => {
      // What was selected by a Service is for the workload, whatever Gateways it serves.
      if (targetsNamedBy(spec).length === 0 || namesServices(spec)) return true
      const others = gateways.filter((gateway) => !namesGateway(id, spec, gateway, rootNamespace))
      if (others.length === gateways.length) return false
      const [other] = others
      if (other !== undefined) {
        const name = `${other.id.namespace}/${other.id.name}`
        const message = `holds for Gateway ${name} too: on the same port of one workload plain HTTP of both is one listener`
        this.#tell({ origin: originOf(id, ''), message })
      }
      return true
    })
  }

  #tell(problem: GeneratorProblem): void {
    this.#problems.set(`${problem.origin} ${problem.message}`, problem)
  }
}
