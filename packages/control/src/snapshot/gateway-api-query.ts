// What views ask about objects of the Gateway API and what is attached to them.
import type { ObjectId } from '@weft/core'
import type { SpecByKind } from '@weft/resources'
import type { AttachablePolicy } from '../gateway-api/attached-policies.ts'
import type { ApiGateway, ListenerSet, Route } from '../gateway-api/objects.ts'
import {
  defaultRoutes,
  type MeshNeed,
  meshNeedTopic,
  meshRouteTopic,
  namespaceTopic,
  referringTopic,
} from '../gateway-api/topics.ts'
import type { SnapshotObject } from './mesh-snapshot.ts'
import { TopicQuery } from './topic-query.ts'

/** The questions of `MeshQuery` about kinds of the Gateway API. */
export class GatewayApiQuery extends TopicQuery {
  /** Every Gateway of the Gateway API. */
  apiGateways(): readonly ApiGateway[] {
    return this.at('GatewayAPIGateway')
  }

  /** The ListenerSets that ask a Gateway to serve them. */
  listenerSetsOf({ namespace, name }: ObjectId): readonly ListenerSet[] {
    return this.at(referringTopic('ListenerSet', 'Gateway', namespace, name))
  }

  /** The routes that name a Gateway or a ListenerSet as their parent. */
  routesOf(kind: 'Gateway' | 'ListenerSet', { namespace, name }: ObjectId): readonly Route[] {
    return this.at(referringTopic('Route', kind, namespace, name))
  }

  /** The routes that ask for the Gateways that call themselves default. */
  defaultRoutes(): readonly Route[] {
    return this.at(defaultRoutes)
  }

  /** The routes that name the Service of a full host name as their parent. */
  meshRoutesOf(host: string): readonly Route[] {
    return this.at(meshRouteTopic(host))
  }

  /** The routes inside the mesh that need something which the mesh does not have anyway. */
  meshRoutesNeeding(need: MeshNeed): readonly Route[] {
    return this.at(meshNeedTopic(need))
  }

  /** The ReferenceGrants of a namespace. */
  grantsIn(namespace: string): readonly SnapshotObject<SpecByKind['ReferenceGrant']>[] {
    return this.at(namespaceTopic('ReferenceGrant', namespace))
  }

  /** The policies of a kind that name a Service as their target. */
  policiesFor<K extends 'BackendTLSPolicy' | 'XBackendTrafficPolicy'>(
    kind: K,
    { namespace, name }: ObjectId,
  ): readonly SnapshotObject<SpecByKind[K]>[] {
    return this.at(referringTopic(kind, 'Service', namespace, name))
  }

  /** The policies of our own that are attached to an object. */
  policiesOn({ kind, namespace, name }: ObjectId): readonly AttachablePolicy[] {
    return this.at(referringTopic('Policy', kind, namespace, name))
  }
}
