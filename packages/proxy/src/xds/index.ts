export { adsDialer, sdsDialer } from './grpc-dialer.ts'
export type {
  ControlPlaneTls,
  ResourceRejection,
  ResourceUpdate,
  XdsConsumer,
  XdsDialer,
  XdsSubscriber,
} from './subscription.ts'
export { startSubscriber, type SubscriberOptions } from './xds-subscriber.ts'
