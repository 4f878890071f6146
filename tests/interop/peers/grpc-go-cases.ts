/** How a case ended. */
export interface GrpcGoResult {
  readonly name: string
  readonly passed: boolean
  readonly why: string
}

/** Cases that pass without a proxy in between; the last two are asked by grpcurl. */
export const grpcGoCases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'rpc_soak',
  'channel_soak',
  'orca_per_rpc',
  'orca_oob',
  'grpcurl_empty_call',
  'grpcurl_unimplemented_call',
] as const
