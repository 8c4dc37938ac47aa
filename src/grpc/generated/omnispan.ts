import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ChatMessage as _omnispan_ChatMessage, ChatMessage__Output as _omnispan_ChatMessage__Output } from './omnispan/ChatMessage.ts';
import type { Dispatch as _omnispan_Dispatch, Dispatch__Output as _omnispan_Dispatch__Output } from './omnispan/Dispatch.ts';
import type { EngineClient as _omnispan_EngineClient, EngineDefinition as _omnispan_EngineDefinition } from './omnispan/Engine.ts';
import type { GenerateChunk as _omnispan_GenerateChunk, GenerateChunk__Output as _omnispan_GenerateChunk__Output } from './omnispan/GenerateChunk.ts';
import type { GenerateReply as _omnispan_GenerateReply, GenerateReply__Output as _omnispan_GenerateReply__Output } from './omnispan/GenerateReply.ts';
import type { GenerateRequest as _omnispan_GenerateRequest, GenerateRequest__Output as _omnispan_GenerateRequest__Output } from './omnispan/GenerateRequest.ts';
import type { StatsReply as _omnispan_StatsReply, StatsReply__Output as _omnispan_StatsReply__Output } from './omnispan/StatsReply.ts';
import type { StatsRequest as _omnispan_StatsRequest, StatsRequest__Output as _omnispan_StatsRequest__Output } from './omnispan/StatsRequest.ts';
import type { Timing as _omnispan_Timing, Timing__Output as _omnispan_Timing__Output } from './omnispan/Timing.ts';
import type { WorkerClient as _omnispan_WorkerClient, WorkerDefinition as _omnispan_WorkerDefinition } from './omnispan/Worker.ts';
import type { WorkerBatchGenerateReply as _omnispan_WorkerBatchGenerateReply, WorkerBatchGenerateReply__Output as _omnispan_WorkerBatchGenerateReply__Output } from './omnispan/WorkerBatchGenerateReply.ts';
import type { WorkerBatchGenerateRequest as _omnispan_WorkerBatchGenerateRequest, WorkerBatchGenerateRequest__Output as _omnispan_WorkerBatchGenerateRequest__Output } from './omnispan/WorkerBatchGenerateRequest.ts';
import type { WorkerCancel as _omnispan_WorkerCancel, WorkerCancel__Output as _omnispan_WorkerCancel__Output } from './omnispan/WorkerCancel.ts';
import type { WorkerChunk as _omnispan_WorkerChunk, WorkerChunk__Output as _omnispan_WorkerChunk__Output } from './omnispan/WorkerChunk.ts';
import type { WorkerCommand as _omnispan_WorkerCommand, WorkerCommand__Output as _omnispan_WorkerCommand__Output } from './omnispan/WorkerCommand.ts';
import type { WorkerDelta as _omnispan_WorkerDelta, WorkerDelta__Output as _omnispan_WorkerDelta__Output } from './omnispan/WorkerDelta.ts';
import type { WorkerEvent as _omnispan_WorkerEvent, WorkerEvent__Output as _omnispan_WorkerEvent__Output } from './omnispan/WorkerEvent.ts';
import type { WorkerGenerateReply as _omnispan_WorkerGenerateReply, WorkerGenerateReply__Output as _omnispan_WorkerGenerateReply__Output } from './omnispan/WorkerGenerateReply.ts';
import type { WorkerGenerateRequest as _omnispan_WorkerGenerateRequest, WorkerGenerateRequest__Output as _omnispan_WorkerGenerateRequest__Output } from './omnispan/WorkerGenerateRequest.ts';
import type { WorkerHello as _omnispan_WorkerHello, WorkerHello__Output as _omnispan_WorkerHello__Output } from './omnispan/WorkerHello.ts';
import type { WorkerLoad as _omnispan_WorkerLoad, WorkerLoad__Output as _omnispan_WorkerLoad__Output } from './omnispan/WorkerLoad.ts';
import type { WorkerResult as _omnispan_WorkerResult, WorkerResult__Output as _omnispan_WorkerResult__Output } from './omnispan/WorkerResult.ts';
import type { WorkerSequence as _omnispan_WorkerSequence, WorkerSequence__Output as _omnispan_WorkerSequence__Output } from './omnispan/WorkerSequence.ts';
import type { WorkerStep as _omnispan_WorkerStep, WorkerStep__Output as _omnispan_WorkerStep__Output } from './omnispan/WorkerStep.ts';
import type { WorkerSubmit as _omnispan_WorkerSubmit, WorkerSubmit__Output as _omnispan_WorkerSubmit__Output } from './omnispan/WorkerSubmit.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  omnispan: {
    ChatMessage: MessageTypeDefinition<_omnispan_ChatMessage, _omnispan_ChatMessage__Output>
    Dispatch: MessageTypeDefinition<_omnispan_Dispatch, _omnispan_Dispatch__Output>
    DispatchReason: EnumTypeDefinition
    Engine: SubtypeConstructor<typeof grpc.Client, _omnispan_EngineClient> & { service: _omnispan_EngineDefinition }
    GenerateChunk: MessageTypeDefinition<_omnispan_GenerateChunk, _omnispan_GenerateChunk__Output>
    GenerateReply: MessageTypeDefinition<_omnispan_GenerateReply, _omnispan_GenerateReply__Output>
    GenerateRequest: MessageTypeDefinition<_omnispan_GenerateRequest, _omnispan_GenerateRequest__Output>
    StatsReply: MessageTypeDefinition<_omnispan_StatsReply, _omnispan_StatsReply__Output>
    StatsRequest: MessageTypeDefinition<_omnispan_StatsRequest, _omnispan_StatsRequest__Output>
    Timing: MessageTypeDefinition<_omnispan_Timing, _omnispan_Timing__Output>
    Worker: SubtypeConstructor<typeof grpc.Client, _omnispan_WorkerClient> & { service: _omnispan_WorkerDefinition }
    WorkerBatchGenerateReply: MessageTypeDefinition<_omnispan_WorkerBatchGenerateReply, _omnispan_WorkerBatchGenerateReply__Output>
    WorkerBatchGenerateRequest: MessageTypeDefinition<_omnispan_WorkerBatchGenerateRequest, _omnispan_WorkerBatchGenerateRequest__Output>
    WorkerCancel: MessageTypeDefinition<_omnispan_WorkerCancel, _omnispan_WorkerCancel__Output>
    WorkerChunk: MessageTypeDefinition<_omnispan_WorkerChunk, _omnispan_WorkerChunk__Output>
    WorkerCommand: MessageTypeDefinition<_omnispan_WorkerCommand, _omnispan_WorkerCommand__Output>
    WorkerDelta: MessageTypeDefinition<_omnispan_WorkerDelta, _omnispan_WorkerDelta__Output>
    WorkerEvent: MessageTypeDefinition<_omnispan_WorkerEvent, _omnispan_WorkerEvent__Output>
    WorkerGenerateReply: MessageTypeDefinition<_omnispan_WorkerGenerateReply, _omnispan_WorkerGenerateReply__Output>
    WorkerGenerateRequest: MessageTypeDefinition<_omnispan_WorkerGenerateRequest, _omnispan_WorkerGenerateRequest__Output>
    WorkerHello: MessageTypeDefinition<_omnispan_WorkerHello, _omnispan_WorkerHello__Output>
    WorkerLoad: MessageTypeDefinition<_omnispan_WorkerLoad, _omnispan_WorkerLoad__Output>
    WorkerResult: MessageTypeDefinition<_omnispan_WorkerResult, _omnispan_WorkerResult__Output>
    WorkerSequence: MessageTypeDefinition<_omnispan_WorkerSequence, _omnispan_WorkerSequence__Output>
    WorkerStep: MessageTypeDefinition<_omnispan_WorkerStep, _omnispan_WorkerStep__Output>
    WorkerSubmit: MessageTypeDefinition<_omnispan_WorkerSubmit, _omnispan_WorkerSubmit__Output>
  }
}

