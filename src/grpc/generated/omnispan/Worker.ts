// Original file: proto/omnispan.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { WorkerBatchGenerateReply as _omnispan_WorkerBatchGenerateReply, WorkerBatchGenerateReply__Output as _omnispan_WorkerBatchGenerateReply__Output } from '../omnispan/WorkerBatchGenerateReply.ts';
import type { WorkerBatchGenerateRequest as _omnispan_WorkerBatchGenerateRequest, WorkerBatchGenerateRequest__Output as _omnispan_WorkerBatchGenerateRequest__Output } from '../omnispan/WorkerBatchGenerateRequest.ts';
import type { WorkerChunk as _omnispan_WorkerChunk, WorkerChunk__Output as _omnispan_WorkerChunk__Output } from '../omnispan/WorkerChunk.ts';
import type { WorkerCommand as _omnispan_WorkerCommand, WorkerCommand__Output as _omnispan_WorkerCommand__Output } from '../omnispan/WorkerCommand.ts';
import type { WorkerEvent as _omnispan_WorkerEvent, WorkerEvent__Output as _omnispan_WorkerEvent__Output } from '../omnispan/WorkerEvent.ts';
import type { WorkerGenerateReply as _omnispan_WorkerGenerateReply, WorkerGenerateReply__Output as _omnispan_WorkerGenerateReply__Output } from '../omnispan/WorkerGenerateReply.ts';
import type { WorkerGenerateRequest as _omnispan_WorkerGenerateRequest, WorkerGenerateRequest__Output as _omnispan_WorkerGenerateRequest__Output } from '../omnispan/WorkerGenerateRequest.ts';

export interface WorkerClient extends grpc.Client {
  Generate(argument: _omnispan_WorkerGenerateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  Generate(argument: _omnispan_WorkerGenerateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  Generate(argument: _omnispan_WorkerGenerateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  Generate(argument: _omnispan_WorkerGenerateRequest, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  generate(argument: _omnispan_WorkerGenerateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  generate(argument: _omnispan_WorkerGenerateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  generate(argument: _omnispan_WorkerGenerateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  generate(argument: _omnispan_WorkerGenerateRequest, callback: grpc.requestCallback<_omnispan_WorkerGenerateReply__Output>): grpc.ClientUnaryCall;
  
  GenerateBatch(argument: _omnispan_WorkerBatchGenerateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  GenerateBatch(argument: _omnispan_WorkerBatchGenerateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  GenerateBatch(argument: _omnispan_WorkerBatchGenerateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  GenerateBatch(argument: _omnispan_WorkerBatchGenerateRequest, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  generateBatch(argument: _omnispan_WorkerBatchGenerateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  generateBatch(argument: _omnispan_WorkerBatchGenerateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  generateBatch(argument: _omnispan_WorkerBatchGenerateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  generateBatch(argument: _omnispan_WorkerBatchGenerateRequest, callback: grpc.requestCallback<_omnispan_WorkerBatchGenerateReply__Output>): grpc.ClientUnaryCall;
  
  GenerateStream(argument: _omnispan_WorkerGenerateRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_WorkerChunk__Output>;
  GenerateStream(argument: _omnispan_WorkerGenerateRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_WorkerChunk__Output>;
  generateStream(argument: _omnispan_WorkerGenerateRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_WorkerChunk__Output>;
  generateStream(argument: _omnispan_WorkerGenerateRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_omnispan_WorkerChunk__Output>;
  
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_omnispan_WorkerCommand, _omnispan_WorkerEvent__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_omnispan_WorkerCommand, _omnispan_WorkerEvent__Output>;
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_omnispan_WorkerCommand, _omnispan_WorkerEvent__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_omnispan_WorkerCommand, _omnispan_WorkerEvent__Output>;
  
}

export interface WorkerHandlers extends grpc.UntypedServiceImplementation {
  Generate: grpc.handleUnaryCall<_omnispan_WorkerGenerateRequest__Output, _omnispan_WorkerGenerateReply>;
  
  GenerateBatch: grpc.handleUnaryCall<_omnispan_WorkerBatchGenerateRequest__Output, _omnispan_WorkerBatchGenerateReply>;
  
  GenerateStream: grpc.handleServerStreamingCall<_omnispan_WorkerGenerateRequest__Output, _omnispan_WorkerChunk>;
  
  Session: grpc.handleBidiStreamingCall<_omnispan_WorkerCommand__Output, _omnispan_WorkerEvent>;
  
}

export interface WorkerDefinition extends grpc.ServiceDefinition {
  Generate: MethodDefinition<_omnispan_WorkerGenerateRequest, _omnispan_WorkerGenerateReply, _omnispan_WorkerGenerateRequest__Output, _omnispan_WorkerGenerateReply__Output>
  GenerateBatch: MethodDefinition<_omnispan_WorkerBatchGenerateRequest, _omnispan_WorkerBatchGenerateReply, _omnispan_WorkerBatchGenerateRequest__Output, _omnispan_WorkerBatchGenerateReply__Output>
  GenerateStream: MethodDefinition<_omnispan_WorkerGenerateRequest, _omnispan_WorkerChunk, _omnispan_WorkerGenerateRequest__Output, _omnispan_WorkerChunk__Output>
  Session: MethodDefinition<_omnispan_WorkerCommand, _omnispan_WorkerEvent, _omnispan_WorkerCommand__Output, _omnispan_WorkerEvent__Output>
}
