// Original file: proto/omnispan.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GenerateChunk as _omnispan_GenerateChunk, GenerateChunk__Output as _omnispan_GenerateChunk__Output } from '../omnispan/GenerateChunk.ts';
import type { GenerateReply as _omnispan_GenerateReply, GenerateReply__Output as _omnispan_GenerateReply__Output } from '../omnispan/GenerateReply.ts';
import type { GenerateRequest as _omnispan_GenerateRequest, GenerateRequest__Output as _omnispan_GenerateRequest__Output } from '../omnispan/GenerateRequest.ts';
import type { StatsReply as _omnispan_StatsReply, StatsReply__Output as _omnispan_StatsReply__Output } from '../omnispan/StatsReply.ts';
import type { StatsRequest as _omnispan_StatsRequest, StatsRequest__Output as _omnispan_StatsRequest__Output } from '../omnispan/StatsRequest.ts';

export interface EngineClient extends grpc.Client {
  GetEngineStats(argument: _omnispan_StatsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  GetEngineStats(argument: _omnispan_StatsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  GetEngineStats(argument: _omnispan_StatsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  GetEngineStats(argument: _omnispan_StatsRequest, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  getEngineStats(argument: _omnispan_StatsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  getEngineStats(argument: _omnispan_StatsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  getEngineStats(argument: _omnispan_StatsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  getEngineStats(argument: _omnispan_StatsRequest, callback: grpc.requestCallback<_omnispan_StatsReply__Output>): grpc.ClientUnaryCall;
  
  SubmitGenerate(argument: _omnispan_GenerateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  SubmitGenerate(argument: _omnispan_GenerateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  SubmitGenerate(argument: _omnispan_GenerateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  SubmitGenerate(argument: _omnispan_GenerateRequest, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  submitGenerate(argument: _omnispan_GenerateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  submitGenerate(argument: _omnispan_GenerateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  submitGenerate(argument: _omnispan_GenerateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  submitGenerate(argument: _omnispan_GenerateRequest, callback: grpc.requestCallback<_omnispan_GenerateReply__Output>): grpc.ClientUnaryCall;
  
  SubmitGenerateStream(argument: _omnispan_GenerateRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_GenerateChunk__Output>;
  SubmitGenerateStream(argument: _omnispan_GenerateRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_GenerateChunk__Output>;
  submitGenerateStream(argument: _omnispan_GenerateRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_GenerateChunk__Output>;
  submitGenerateStream(argument: _omnispan_GenerateRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_GenerateChunk__Output>;
  
}

export interface EngineHandlers extends grpc.UntypedServiceImplementation {
  GetEngineStats: grpc.handleUnaryCall<_omnispan_StatsRequest__Output, _omnispan_StatsReply>;
  
  SubmitGenerate: grpc.handleUnaryCall<_omnispan_GenerateRequest__Output, _omnispan_GenerateReply>;
  
  SubmitGenerateStream: grpc.handleServerStreamingCall<_omnispan_GenerateRequest__Output, _omnispan_GenerateChunk>;
  
}

export interface EngineDefinition extends grpc.ServiceDefinition {
  GetEngineStats: MethodDefinition<_omnispan_StatsRequest, _omnispan_StatsReply, _omnispan_StatsRequest__Output, _omnispan_StatsReply__Output>
  SubmitGenerate: MethodDefinition<_omnispan_GenerateRequest, _omnispan_GenerateReply, _omnispan_GenerateRequest__Output, _omnispan_GenerateReply__Output>
  SubmitGenerateStream: MethodDefinition<_omnispan_GenerateRequest, _omnispan_GenerateChunk, _omnispan_GenerateRequest__Output, _omnispan_GenerateChunk__Output>
}
