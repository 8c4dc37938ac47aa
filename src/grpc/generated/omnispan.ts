import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Dispatch as _omnispan_Dispatch, Dispatch__Output as _omnispan_Dispatch__Output } from './omnispan/Dispatch.ts';
import type { EngineClient as _omnispan_EngineClient, EngineDefinition as _omnispan_EngineDefinition } from './omnispan/Engine.ts';
import type { GenerateChunk as _omnispan_GenerateChunk, GenerateChunk__Output as _omnispan_GenerateChunk__Output } from './omnispan/GenerateChunk.ts';
import type { GenerateReply as _omnispan_GenerateReply, GenerateReply__Output as _omnispan_GenerateReply__Output } from './omnispan/GenerateReply.ts';
import type { GenerateRequest as _omnispan_GenerateRequest, GenerateRequest__Output as _omnispan_GenerateRequest__Output } from './omnispan/GenerateRequest.ts';
import type { StatsReply as _omnispan_StatsReply, StatsReply__Output as _omnispan_StatsReply__Output } from './omnispan/StatsReply.ts';
import type { StatsRequest as _omnispan_StatsRequest, StatsRequest__Output as _omnispan_StatsRequest__Output } from './omnispan/StatsRequest.ts';
import type { WorkerClient as _omnispan_WorkerClient, WorkerDefinition as _omnispan_WorkerDefinition } from './omnispan/Worker.ts';
import type { WorkerBatchGenerateReply as _omnispan_WorkerBatchGenerateReply, WorkerBatchGenerateReply__Output as _omnispan_WorkerBatchGenerateReply__Output } from './omnispan/WorkerBatchGenerateReply.ts';
import type { WorkerBatchGenerateRequest as _omnispan_WorkerBatchGenerateRequest, WorkerBatchGenerateRequest__Output as _omnispan_WorkerBatchGenerateRequest__Output } from './omnispan/WorkerBatchGenerateRequest.ts';
import type { WorkerChunk as _omnispan_WorkerChunk, WorkerChunk__Output as _omnispan_WorkerChunk__Output } from './omnispan/WorkerChunk.ts';
import type { WorkerGenerateReply as _omnispan_WorkerGenerateReply, WorkerGenerateReply__Output as _omnispan_WorkerGenerateReply__Output } from './omnispan/WorkerGenerateReply.ts';
import type { WorkerGenerateRequest as _omnispan_WorkerGenerateRequest, WorkerGenerateRequest__Output as _omnispan_WorkerGenerateRequest__Output } from './omnispan/WorkerGenerateRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  omnispan: {
    Dispatch: MessageTypeDefinition<_omnispan_Dispatch, _omnispan_Dispatch__Output>
    DispatchReason: EnumTypeDefinition
    Engine: SubtypeConstructor<typeof grpc.Client, _omnispan_EngineClient> & { service: _omnispan_EngineDefinition }
    GenerateChunk: MessageTypeDefinition<_omnispan_GenerateChunk, _omnispan_GenerateChunk__Output>
    GenerateReply: MessageTypeDefinition<_omnispan_GenerateReply, _omnispan_GenerateReply__Output>
    GenerateRequest: MessageTypeDefinition<_omnispan_GenerateRequest, _omnispan_GenerateRequest__Output>
    StatsReply: MessageTypeDefinition<_omnispan_StatsReply, _omnispan_StatsReply__Output>
    StatsRequest: MessageTypeDefinition<_omnispan_StatsRequest, _omnispan_StatsRequest__Output>
    Worker: SubtypeConstructor<typeof grpc.Client, _omnispan_WorkerClient> & { service: _omnispan_WorkerDefinition }
    WorkerBatchGenerateReply: MessageTypeDefinition<_omnispan_WorkerBatchGenerateReply, _omnispan_WorkerBatchGenerateReply__Output>
    WorkerBatchGenerateRequest: MessageTypeDefinition<_omnispan_WorkerBatchGenerateRequest, _omnispan_WorkerBatchGenerateRequest__Output>
    WorkerChunk: MessageTypeDefinition<_omnispan_WorkerChunk, _omnispan_WorkerChunk__Output>
    WorkerGenerateReply: MessageTypeDefinition<_omnispan_WorkerGenerateReply, _omnispan_WorkerGenerateReply__Output>
    WorkerGenerateRequest: MessageTypeDefinition<_omnispan_WorkerGenerateRequest, _omnispan_WorkerGenerateRequest__Output>
  }
}

