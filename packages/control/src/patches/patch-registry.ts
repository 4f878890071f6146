// What travels inside an Any of what we send, or of what people patch into it. Anything else is passed on as a TypedStruct.
import { createRegistry } from '@bufbuild/protobuf'
import { file_envoy_extensions_filters_http_lua_v3_lua as lua } from '@weft/xds/es/envoy/extensions/filters/http/lua/v3/lua'
import { file_envoy_extensions_filters_network_wasm_v3_wasm as networkWasm } from '@weft/xds/es/envoy/extensions/filters/network/wasm/v3/wasm'
import { file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit as localRate } from '@weft/xds/es/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit'
import { file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit as networkLocalRate } from '@weft/xds/es/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit'
import { file_envoy_extensions_filters_http_ratelimit_v3_rate_limit as rate } from '@weft/xds/es/envoy/extensions/filters/http/ratelimit/v3/rate_limit'
import { file_envoy_extensions_filters_http_compressor_v3_compressor as compressor } from '@weft/xds/es/envoy/extensions/filters/http/compressor/v3/compressor'
import { file_envoy_extensions_compression_gzip_compressor_v3_gzip as gzip } from '@weft/xds/es/envoy/extensions/compression/gzip/compressor/v3/gzip'
import { file_envoy_extensions_filters_http_buffer_v3_buffer as buffer } from '@weft/xds/es/envoy/extensions/filters/http/buffer/v3/buffer'
import { file_envoy_extensions_filters_http_grpc_web_v3_grpc_web as grpcWeb } from '@weft/xds/es/envoy/extensions/filters/http/grpc_web/v3/grpc_web'
import { file_envoy_extensions_filters_http_grpc_stats_v3_config as grpcStats } from '@weft/xds/es/envoy/extensions/filters/http/grpc_stats/v3/config'
import { file_envoy_extensions_filters_http_header_to_metadata_v3_header_to_metadata as headerToMetadata } from '@weft/xds/es/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata'
import { file_envoy_extensions_filters_http_header_mutation_v3_header_mutation as headerMutation } from '@weft/xds/es/envoy/extensions/filters/http/header_mutation/v3/header_mutation'
import { file_envoy_extensions_filters_http_ext_proc_v3_ext_proc as extProc } from '@weft/xds/es/envoy/extensions/filters/http/ext_proc/v3/ext_proc'
import { file_envoy_extensions_filters_network_ext_authz_v3_ext_authz as networkExtAuthz } from '@weft/xds/es/envoy/extensions/filters/network/ext_authz/v3/ext_authz'
import { file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol as proxyProtocol } from '@weft/xds/es/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol'
import { file_envoy_extensions_access_loggers_grpc_v3_als as als } from '@weft/xds/es/envoy/extensions/access_loggers/grpc/v3/als'
import { file_envoy_extensions_filters_network_connection_limit_v3_connection_limit as connectionLimit } from '@weft/xds/es/envoy/extensions/filters/network/connection_limit/v3/connection_limit'
import { ownMessages } from '../generators/encode.ts'
import { typedStructs } from './typed-struct.ts'

/** Messages that patches may hold in full. */
export const patchRegistry = createRegistry(
  ownMessages,
  typedStructs,
  lua,
  networkWasm,
  localRate,
  networkLocalRate,
  rate,
  compressor,
  gzip,
  buffer,
  grpcWeb,
  grpcStats,
  headerToMetadata,
  headerMutation,
  extProc,
  networkExtAuthz,
  proxyProtocol,
  als,
  connectionLimit,
)
